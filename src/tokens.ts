export { openaiTokens, type TokenCounters } from './tokens/openai-tokens.ts'
