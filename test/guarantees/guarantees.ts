/** A test file as a section of the page: its number and title, its sentences, and the titles of its tests. */
export interface Guarantee {
  readonly number: number
  readonly title: string
  readonly prose: string
  readonly tests: readonly { title: string; line: number }[]
}

/** Reads a guarantee from the text of its test file. */
export function guaranteeIn(name: string, text: string): Guarantee {
  const lines = text.split('\n')
  const head = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith('//')),
  )
  const [title = '', , ...prose] = head.map((line) => line.replace(/^\/\/ ?/, ''))
  const tests = [...text.matchAll(/(?:^test\(|^\]\)\()(['"])(.+?)\1,/gm)].map((match) => ({
    title: (match[2] ?? '').replaceAll("\\'", "'").replaceAll('$overflow', 'each policy'),
    line: text.slice(0, match.index).split('\n').length,
  }))
  return { number: Number(name.slice(0, 2)), title: title.replace(/^# /, ''), prose: prose.join('\n'), tests }
}

/** The page. */
export function pageOf(guarantees: readonly (Guarantee & { file: string })[]): string {
  const sections = guarantees.map(({ number, title, prose, tests, file }) => {
    const list = tests.map((test) => `- [${test.title}](../test/guarantees/${file}#L${test.line})`)
    return `## ${number}. ${title}\n\n${prose}\n\n${list.join('\n')}\n`
  })
  return `${HEAD}\n${sections.join('\n')}`
}

const HEAD = `# What the bus guarantees

Eleven guarantees. Each is stated in the first lines of a test file, and the sentences below it are the titles of that file's tests,
so this page says only what is tested; CI runs them on every change. It is written by \`npx vitest run test/guarantees -u\`, and
differs from the tests only until the next run, which then fails.

Beside these examples, [test/model](../test/model) compares the bus with a model of it on thousands of random programs, and
[test/regressions](../test/regressions) holds it to what earlier systems got wrong.
`
