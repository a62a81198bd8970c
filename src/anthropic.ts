export { anthropicProvider, type AnthropicProviderOptions } from './providers/anthropic-provider.ts'
