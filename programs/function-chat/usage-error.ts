/** A command line that can't be understood; its message is one line for stderr. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What `parseArgs` threw, as one sentence. */
export function parseProblem(error: unknown): string {
  const [first = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  const sentence = first
    .replace(/\. To specify.*$/, '')
    .replace(
      /^Option '(-\w)' argument is ambiguous\.$/,
      'Option $1 lacks its value; one that begins with - is written $1VALUE, without a space.',
    )
    .replace(
      /^Option '(.*)' argument is ambiguous\.$/,
      'Option $1 lacks its value; one that begins with - is written $1=VALUE.',
    )
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`
}
