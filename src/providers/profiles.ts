// Long because it is a table: one entry a server, each with where its facts are from.
import type { Profile } from './profile.ts'
import { PLAIN_NAMES } from './wire-names.ts'

/** What nobody has said anything about: fields that all servers know, and a history that goes as it is. */
const GENERIC: Profile = {
  name: 'generic',
  hosts: [],
  keyHeader: 'authorization',
  maxTokens: 'max_tokens',
  seed: 'seed',
  refuses: [],
  extraContent: true,
  output: 'schema',
  outputBesideTools: true,
  names: PLAIN_NAMES,
  developerRole: true,
  systemAnywhere: true,
  adjacentUsers: true,
  userAfterTool: true,
  toolParts: true,
  reasoning: {
    echo: 'toolLoop',
    fields: ['reasoning', 'reasoning_content', 'reasoning_details', 'thinking'],
  },
  thinkTags: false,
}

/**
 * What OpenAI's answers hold and other servers refuse in a history ("property 'annotations' is unsupported"); nothing that a
 * model would need.
 */
const ANSWERS_ONLY = ['messages[].refusal', 'messages[].annotations']

/** Of a server of its own: OpenAI's younger role and parts of results are not known everywhere. */
const PLAIN: Profile = { ...GENERIC, extraContent: false, developerRole: false, toolParts: false }

/** Models that know `max_tokens` and not everywhere (Azure's older API versions) its successor; o1 and later refuse it. */
const OLDER_MODELS = /^(?:ft:)?gpt-(?:3|4)/

/*
 * OpenAI: `max_tokens` is deprecated and refused by the o-series and later, `developer` replaces `system` (both are taken),
 * reasoning is neither told nor taken, tool results are texts
 * (https://platform.openai.com/docs/api-reference/chat/create). Reasoning fields of other servers are unknown fields there.
 */
const OPENAI: Profile = {
  ...GENERIC,
  name: 'openai',
  hosts: ['api.openai.com'],
  baseURL: 'https://api.openai.com/v1',
  maxTokens: 'max_completion_tokens',
  olderModels: OLDER_MODELS,
  // `refusal` is a field of its own there; annotations are only answered.
  refuses: ['messages[].annotations'],
  extraContent: false,
  toolParts: false,
  reasoning: { echo: 'never', fields: [] },
}

/*
 * Chat templates of open models refuse a second system message and users that do not take turns ("System message must be at
 * the beginning", "Conversation roles must alternate", https://github.com/charmbracelet/crush/issues/279), so what renders
 * templates is sent the strictest order. Reasoning is kept within the tool loop, as the templates themselves do.
 */
const TEMPLATED: Profile = { ...PLAIN, systemAnywhere: false, adjacentUsers: false }

/** All profiles; the first whose host fits a base URL counts. */
export const PROFILES: readonly Profile[] = [
  OPENAI,
  {
    // https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle: the key in `api-key`, a deployment's path with an
    // `api-version`, or the v1 path without. The same models as OpenAI's.
    ...OPENAI,
    name: 'azure',
    hosts: ['openai.azure.com', 'cognitiveservices.azure.com', 'services.ai.azure.com'],
    baseURL: '',
    path: '/openai/v1',
    apiVersion: '2024-10-21',
    keyHeader: 'api-key',
  },
  {
    // https://ai.google.dev/gemini-api/docs/openai. It refuses fields that it does not know: seed and penalties
    // (https://github.com/Vali-98/ChatterUI/issues/227), once parallel_tool_calls too
    // (https://github.com/jackmpcollins/magentic/pull/382). JSON and function calling exclude one another before Gemini 3.
    // Names begin with a letter or an underscore. Thought signatures ride in the calls' extra_content, which is kept.
    ...PLAIN,
    name: 'gemini',
    hosts: ['generativelanguage.googleapis.com'],
    baseURL: 'https://generativelanguage.googleapis.com/v1beta/openai',
    refuses: ['seed', 'presence_penalty', 'frequency_penalty', 'parallel_tool_calls', ...ANSWERS_ONLY],
    extraContent: true,
    outputBesideTools: false,
    names: { legal: /^[a-zA-Z_][a-zA-Z0-9_-]*$/, longest: 64 },
    reasoning: { echo: 'never', fields: [] },
  },
  {
    // https://console.groq.com/docs/openai (messages[].name is refused), /docs/structured-outputs (no tools beside it, and
    // no model but some takes a schema, so `json_object`). It refuses every field that it does not know, and takes
    // `reasoning` in a history from some models only: with others it answers 400
    // (https://github.com/karthink/gptel/issues/774, https://github.com/vercel/ai/pull/8057), and for `reasoning_content`
    // with all (https://github.com/janhq/jan/issues/8136). So none goes back, as a history may be another model's.
    ...PLAIN,
    name: 'groq',
    hosts: ['api.groq.com'],
    baseURL: 'https://api.groq.com/openai/v1',
    maxTokens: 'max_completion_tokens',
    output: 'object',
    outputBesideTools: false,
    refuses: ['messages[].name', ...ANSWERS_ONLY],
    reasoning: { echo: 'never', fields: [] },
  },
  {
    // https://api-docs.deepseek.com/guides/thinking_mode: reasoning_content of every turn that called tools must come back,
    // in all later requests, or it answers 400; an empty one does where there was none
    // (https://github.com/anomalyco/opencode/issues/24722). Only `json_object` (guides/json_mode), which wants the word JSON.
    ...PLAIN,
    name: 'deepseek',
    hosts: ['api.deepseek.com'],
    baseURL: 'https://api.deepseek.com',
    output: 'object',
    refuses: ['seed', 'parallel_tool_calls', ...ANSWERS_ONLY],
    reasoning: { echo: 'toolTurns', fields: ['reasoning_content'], empty: 'reasoning_content' },
  },
  {
    // https://docs.mistral.ai/api: `random_seed`, no `stream_options` (https://github.com/avante-corp/avante.nvim/issues/2347;
    // usage comes anyway), nor any other field that it does not know, in messages neither.
    // Call ids of exactly nine letters and digits (https://github.com/anomalyco/opencode/issues/1680), an assistant between
    // tool and user (https://github.com/avante-corp/avante.nvim/pull/2695), reasoning as `thinking` parts of the content
    // (https://docs.mistral.ai/capabilities/reasoning).
    ...PLAIN,
    name: 'mistral',
    hosts: ['api.mistral.ai', 'codestral.mistral.ai'],
    baseURL: 'https://api.mistral.ai/v1',
    seed: 'random_seed',
    refuses: ['stream_options', 'messages[].name', ...ANSWERS_ONLY],
    callIdLength: 9,
    systemAnywhere: false,
    adjacentUsers: false,
    userAfterTool: false,
    reasoning: { echo: 'toolLoop', fields: ['thinking'] },
  },
  {
    // https://docs.x.ai/docs/api-reference: max_tokens is deprecated; penalties and stop are refused by the reasoning models,
    // not by the others, so they are the caller's choice. Reasoning comes as reasoning_content and is not wanted back.
    ...PLAIN,
    name: 'xai',
    hosts: ['api.x.ai'],
    baseURL: 'https://api.x.ai/v1',
    maxTokens: 'max_completion_tokens',
    refuses: ANSWERS_ONLY,
    reasoning: { echo: 'never', fields: [] },
  },
  {
    // https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks: reasoning_details go back as they
    // came, in order; /docs/features/structured-outputs.
    ...GENERIC,
    name: 'openrouter',
    hosts: ['openrouter.ai'],
    baseURL: 'https://openrouter.ai/api/v1',
    reasoning: { echo: 'always', fields: ['reasoning', 'reasoning_details'] },
  },
  {
    // https://docs.together.ai/docs/json-mode, /docs/openai-api-compatibility. It serves open models by their templates.
    ...TEMPLATED,
    name: 'together',
    hosts: ['api.together.xyz', 'api.together.ai'],
    baseURL: 'https://api.together.xyz/v1',
    refuses: ['parallel_tool_calls'],
    reasoning: { echo: 'toolLoop', fields: ['reasoning', 'reasoning_content'] },
  },
  {
    // https://docs.ollama.com/api/openai-compatibility lists the fields; parallel_tool_calls is not among them. Reasoning is
    // `reasoning`; models without a parser leave <think> in the text.
    ...TEMPLATED,
    name: 'ollama',
    hosts: [':11434', 'ollama.com'],
    baseURL: 'http://localhost:11434/v1',
    refuses: ['parallel_tool_calls'],
    toolParts: true,
    reasoning: { echo: 'toolLoop', fields: ['reasoning', 'reasoning_content'] },
    thinkTags: true,
  },
  {
    // https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html, /features/structured_outputs.html,
    // /features/reasoning_outputs.html (`reasoning`, formerly `reasoning_content`; without a parser the tags stay in the
    // text). By name only: port 8000 is everybody's.
    ...TEMPLATED,
    name: 'vllm',
    hosts: [],
    baseURL: 'http://localhost:8000/v1',
    reasoning: { echo: 'toolLoop', fields: ['reasoning', 'reasoning_content'] },
    thinkTags: true,
  },
  {
    // https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md: schemas become grammars, and so do tools:
    // together they fail with some models (https://github.com/ggml-org/llama.cpp/issues/27114). By name only: port 8080 is everybody's.
    ...TEMPLATED,
    name: 'llama.cpp',
    hosts: [],
    baseURL: 'http://localhost:8080/v1',
    outputBesideTools: false,
    reasoning: { echo: 'toolLoop', fields: ['reasoning_content'] },
    thinkTags: true,
  },
  {
    // https://lmstudio.ai/docs/developer/openai-compat/structured-output: a schema, never `json_object`.
    ...TEMPLATED,
    name: 'lmstudio',
    hosts: [':1234'],
    baseURL: 'http://localhost:1234/v1',
    refuses: ['parallel_tool_calls'],
    reasoning: { echo: 'toolLoop', fields: ['reasoning_content', 'reasoning'] },
    thinkTags: true,
  },
  GENERIC,
]
