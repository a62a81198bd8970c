import {
  approvals,
  ApprovalRequested,
  contextManager,
  DecideApproval,
  summarize,
  toolChatEngine,
  toolManager,
  usageMeter,
  type Participant,
} from 'busline'
import { APP, pay, PRICED, remember, weather } from './apps.ts'
import { goldenRun } from './golden-run.ts'

export const queuedInput = goldenRun({
  name: 'queued-input',
  about: 'Input that comes while a turn runs waits for its own turn.',
  app: APP,
  model: ['One.', 'Two.'],
  script: ({ turn }) => Promise.all([turn('s1', 'First.'), turn('s1', 'Second.')]),
})

export const interruptingInput = goldenRun({
  name: 'interrupting-input',
  about: 'Newer input cancels the turn that runs, of which the text stays.',
  app: { ...APP, whileBusy: 'interrupt' },
  model: [{ text: ['Well,', ' let', ' me', ' think'], every: 100 }, 'Right away.'],
  script: async ({ turn, sleep }) => {
    const first = turn('s1', 'Take your time.')
    await sleep(450)
    await Promise.all([first, turn('s1', 'No, hurry.')])
  },
})

/** Pays when it is approved, which is decided from outside. */
const paying: Participant = (bus) => {
  bus.attach(toolChatEngine(APP))
  bus.attach(usageMeter(PRICED))
  bus.attach(contextManager())
  bus.attach(toolManager([pay]))
  bus.attach(approvals())
}

const payment = (to: string) => ({ toolCalls: [{ name: 'pay', arguments: { to, amount: 5 } }] })

export const approvalsDecided = goldenRun({
  name: 'approvals-decided',
  about: 'A tool call waits for an approval; somebody grants it with other arguments, and denies the next.',
  app: paying,
  model: [payment('Bob'), 'Paid.', payment('Eve'), 'Eve was not paid.'],
  script: async ({ bus, sleep, turn }) => {
    const decide = async (decision: { approved: boolean; arguments?: object; reason?: string }) => {
      const { approval } = await bus.waitFor(ApprovalRequested)
      await sleep(2000)
      await bus.execute(DecideApproval, { approval, by: 'ada', ...decision })
    }
    await Promise.all([
      turn('s1', 'Pay Bob.'),
      decide({ approved: true, arguments: { to: 'Bob', amount: 4 } }),
    ])
    await Promise.all([turn('s1', 'Pay Eve.'), decide({ approved: false, reason: 'We do not know Eve.' })])
  },
})

export const twoSessions = goldenRun({
  name: 'two-sessions',
  about: 'Turns of two sessions run at once.',
  app: { ...APP, tools: [weather] },
  model: [
    { toolCalls: [{ name: 'get_weather', arguments: { location: 'Oslo' } }] },
    { after: 310, text: ['Hello', ', Bob.'] },
    'Oslo is sunny.',
  ],
  script: ({ turn }) => Promise.all([turn('ada', 'Weather in Oslo?'), turn('bob', 'Hello.')]),
})

export const contextSummary = goldenRun({
  name: 'context-summary',
  about: 'A history that has become too long is summarized by a model call of its own.',
  app: { ...APP, context: { strategy: summarize({ maxTokens: 220, keep: 0.4 }) } },
  model: [
    { text: ['Noted: ', 'blue. '.repeat(60)] },
    { text: ['Noted: ', 'green. '.repeat(60)] },
    'Ada likes blue and green.',
    'Blue and green.',
  ],
  script: async ({ turn }) => {
    await turn('s1', 'I like blue.')
    await turn('s1', 'I like green too.')
    await turn('s1', 'What do I like?')
  },
})

export const sharedSession = goldenRun({
  name: 'shared-session',
  about: 'A tool changes the session that it is called in.',
  app: { ...APP, tools: [remember] },
  model: [{ toolCalls: [{ name: 'remember', arguments: { key: 'city', value: 'Rome' } }] }, 'I will.'],
  script: ({ turn }) => turn('s1', 'Remember that I live in Rome.'),
})
