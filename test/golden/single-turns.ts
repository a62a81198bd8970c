import { goldenRun } from './golden-run.ts'
import { APP, broken, weather } from './apps.ts'

export const plainReply = goldenRun({
  name: 'plain-reply',
  about: 'One turn, answered in words.',
  app: APP,
  model: [{ text: ['Hello, ', 'Ada!'] }],
  script: ({ turn }) => turn('s1', 'Hello, I am Ada.'),
})

export const oneTool = goldenRun({
  name: 'one-tool',
  about: 'The model calls a tool and answers from its result; a second turn of the session follows.',
  app: { ...APP, tools: [weather] },
  model: [
    { toolCalls: [{ name: 'get_weather', arguments: { location: 'Paris' } }] },
    { text: ['It is sunny', ' in Paris.'] },
    'You are welcome.',
  ],
  script: async ({ turn }) => {
    await turn('s1', "What's the weather in Paris?")
    await turn('s1', 'Thanks.')
  },
})

export const threeParallelTools = goldenRun({
  name: 'three-parallel-tools',
  about: 'Three calls of one answer run at once and end in another order; their results stand in the order of the calls.',
  app: { ...APP, tools: [weather] },
  model: [
    {
      text: ['Let me look.'],
      toolCalls: ['Oslo', 'Paris', 'Rome'].map((location) => ({
        name: 'get_weather',
        arguments: { location },
      })),
    },
    'It is sunny everywhere.',
  ],
  script: ({ turn }) => turn('s1', 'Compare the weather in Oslo, Paris and Rome.'),
})

export const failingTools = goldenRun({
  name: 'failing-tools',
  about: 'A tool that fails, one that there is not, and arguments that do not fit: the model is told, and the turn goes on.',
  app: { ...APP, tools: [weather, broken] },
  model: [
    {
      toolCalls: [
        { name: 'read_sensor', arguments: { id: '7' } },
        { name: 'read_mind', arguments: {} },
        { name: 'get_weather', arguments: { place: 'Rome' } },
        { name: 'get_weather', arguments: '{"location": "Ro' },
      ],
    },
    'The sensor does not answer.',
  ],
  script: ({ turn }) => turn('s1', 'Read sensor 7.'),
})

export const streamedReasoning = goldenRun({
  name: 'streamed-reasoning',
  about: 'Reasoning and text that come in pieces over more than one batch of the journal.',
  app: APP,
  model: [
    {
      reasoning: ['Twenty-four', ' times seven', ' is 168.'],
      text: Array.from('The answer is 168: one hundred and sixty-eight.'),
      usage: { inputTokens: 50, outputTokens: 40, totalTokens: 90, cachedTokens: 20, reasoningTokens: 15 },
    },
  ],
  script: ({ turn }) => turn('s1', 'What is 24 * 7?'),
})

export const maxSteps = goldenRun({
  name: 'max-steps',
  about: 'A turn that reaches its limit of steps ends with what the model says without tools.',
  app: { ...APP, tools: [weather], maxSteps: 2 },
  model: [
    { toolCalls: [{ name: 'get_weather', arguments: { location: 'Paris' } }] },
    { toolCalls: [{ name: 'get_weather', arguments: { location: 'Rome' } }] },
    'I know of Paris only.',
  ],
  script: ({ turn }) => turn('s1', 'What is the weather all over Europe?'),
})
