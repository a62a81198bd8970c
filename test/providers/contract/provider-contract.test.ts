import {
  CallModel,
  ModelTextReceived,
  offlineServer,
  openaiProvider,
  scriptedProvider,
  textOf,
  type Participant,
  type TokenUsage,
} from 'busline'
import { anthropicProvider } from 'busline/anthropic'
import { chatWire } from './chat-wire.ts'
import { messagesWire } from './messages-wire.ts'
import { providerContract } from './provider-contract.ts'
import { finishOf, usageOf, type ContractWorld, type Step, type Wire } from './script.ts'

function served(wire: Wire, provider: Participant): ContractWorld {
  return { provider, wire, [Symbol.asyncDispose]: () => wire[Symbol.asyncDispose]() }
}

function alone(provider: Participant): ContractWorld {
  return { provider, [Symbol.asyncDispose]: () => Promise.resolve() }
}

for (const stream of [true, false]) {
  const asked = stream ? 'streamed' : 'plain'
  const lacks = stream ? {} : { pieces: 'a plain body comes at once' }
  providerContract(
    `openaiProvider, ${asked}`,
    async (steps, apiKey) => {
      const wire = await chatWire(steps)
      return served(wire, openaiProvider({ baseURL: wire.url, apiKey, stream }))
    },
    { lacks },
  )
  providerContract(
    `anthropicProvider, ${asked}`,
    async (steps, apiKey) => {
      const wire = await messagesWire(steps)
      return served(wire, anthropicProvider({ baseURL: wire.url, apiKey, stream }))
    },
    { lacks },
  )
}

/** The newest models bind thinking to what stood before it, and take fewer requests. */
for (const model of ['claude-fable-5-2', 'claude-opus-5-5']) {
  providerContract(
    `anthropicProvider, streamed, with ${model}`,
    async (steps, apiKey) => {
      const wire = await messagesWire(steps)
      return served(wire, anthropicProvider({ baseURL: wire.url, apiKey }))
    },
    { model, lacks: { forced: 'the model refuses it' } },
  )
}

/** Servers that want something else each: field names, roles, ids, order. */
for (const profile of ['mistral', 'deepseek', 'groq', 'gemini', 'ollama', 'llama.cpp']) {
  providerContract(`openaiProvider, streamed, as ${profile}`, async (steps, apiKey) => {
    const wire = await chatWire(steps)
    return served(wire, openaiProvider({ baseURL: wire.url, apiKey, profile }))
  })
}

providerContract('scriptedProvider', (steps) => alone(scriptedProvider(steps.map(scripted))), {
  lacks: {
    pieces: 'a step of a script comes at once',
    reasoning: 'scripts have none',
    ids: 'a script numbers its calls itself',
    wire: 'there is no server',
  },
})

providerContract(
  'the offline model',
  async () => {
    const server = await offlineServer()
    const provider = openaiProvider({ baseURL: server.url, model: 'offline' })
    return { provider, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
  },
  {
    lacks: { script: 'its answers are its own', wire: 'its server is not for looking into' },
    turn: { say: 'What is 6 * 7?', reply: '42' },
  },
)

/** A provider of one's own: what the README shows. */
const echo: Participant = (bus) => {
  bus.handle(CallModel, (request, scope) => {
    const text = textOf(request.messages.at(-1) ?? { role: 'user', content: '' })
    scope.publish(ModelTextReceived, { text })
    return {
      message: { role: 'assistant', content: text },
      finishReason: 'stop',
      usage: null,
      model: request.model,
    }
  })
}

providerContract('a provider of twenty lines', () => alone(echo), {
  lacks: { script: 'it says what it hears', wire: 'there is no server' },
  turn: { say: 'hello', reply: 'hello' },
})

function scripted(step: Step): Parameters<typeof scriptedProvider>[0][number] {
  const { input, output, cached } = usageOf(step)
  const usage: TokenUsage = {
    inputTokens: input,
    outputTokens: output,
    totalTokens: input + output,
    ...(cached !== undefined && { cachedTokens: cached }),
  }
  return {
    text: (step.text ?? []).join(''),
    toolCalls: (step.toolCalls ?? []).map(({ name, arguments: pieces }) => ({
      name,
      arguments: pieces.join(''),
    })),
    finishReason: finishOf(step),
    usage,
  }
}
