const SELF = "I'm Busline's built-in offline model: a small program, not an LLM."
const SUBJECTS = 'I can look up the weather, send mail and do arithmetic'

/** The answer to what it does not understand. */
export const DECLINED =
  "I'm a small offline program, not an LLM: I can only do weather, mail and arithmetic, and this seems to be none of " +
  'them. To talk to a real model, set OPENAI_API_KEY, or give --base-url for any OpenAI-compatible server.'

const ANSWERS: readonly { readonly asked: RegExp; readonly answer: string }[] = [
  {
    asked:
      /^(?:help(?: me)?$|what (?:can|do) you do|what are you able to do|how (?:do|can) (?:i|you) (?:use|help)|what (?:tools|commands) )/,
    answer:
      `${SELF} ${SUBJECTS}. Try "What's the weather in Rome?", "What is 15% of 80?" or ` +
      '"Send an email to bob@example.com about lunch saying see you at noon". For a real model, set OPENAI_API_KEY or give --base-url.',
  },
  {
    asked:
      /^(?:who|what) are you|^what(?:'s| is) your name|^(?:which|what) (?:llm |language )?model|^are you (?:an? )?(?:real |human|bot|robot|ai\b|llm|chatgpt|gpt|person|program)/,
    answer: `${SELF} ${SUBJECTS}, and nothing else.`,
  },
  { asked: /^(?:thanks?|thank you|thx|cheers)\b/, answer: `You're welcome. ${SUBJECTS}, if there is more.` },
  { asked: /^(?:bye|goodbye|good night|see you(?: later| soon| tomorrow)?)$/, answer: 'Goodbye.' },
  {
    asked: /^how (?:are|do) you\b|^how's it going|^what's up$/,
    answer: `${SELF} It has no moods, but it runs. ${SUBJECTS}.`,
  },
  {
    asked: /^(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|greetings|hola|moin|howdy)$/,
    answer: `Hello. ${SELF} ${SUBJECTS}.`,
  },
]

/** Answers greetings, thanks and questions about itself; undefined for anything else. */
export function smallTalk(text: string): string | undefined {
  if (text.length > 120) return undefined
  const plain = text
    .toLowerCase()
    .replace(/[.!?,]+/g, '')
    .trim()
  const rest = plain.replace(/^(?:(?:hi|hello|hey|so|ok|okay|and|please|there|busline)\s+)+/, '')
  const known = ANSWERS.find(({ asked }) => asked.test(rest) || asked.test(plain))
  if (known) return known.answer
  return /^(?:hi|hello|hey) there$/.test(plain) ? ANSWERS.at(-1)?.answer : undefined
}
