export { BuslineError, type ErrorCode } from './messages/busline-error.ts'
export { defineCommand, type CommandDefinition } from './messages/define-command.ts'
export { defineEvent, type EventDefinition } from './messages/define-event.ts'
export * from './messages/chat.ts'
export * from './messages/context.ts'
export * from './messages/conversation.ts'
export * from './messages/delivery.ts'
export { Failure } from './messages/failure.ts'
export * from './messages/model.ts'
export { editHistory, HistoryEdit, prepareEdits } from './messages/edit-history.ts'
export * from './messages/session.ts'
export * from './messages/tool.ts'
export { isTransient } from './messages/transient.ts'
export * from './messages/tool-set.ts'
export * from './messages/usage.ts'
export type { JsonValue } from './messages/lossless-json.ts'
export type { Schema } from './messages/schema.ts'

export { MessageBus, type MessageBusOptions } from './bus/message-bus.ts'
export type { Bus, Cleanup, Participant, Registry, SessionScope, SubscribeOptions } from './bus/bus.ts'
export type { BusState } from './bus/core.ts'
export type { DeadLetter, DeadLetters, LetterFilter, RedriveReport } from './bus/dead-letter.ts'
export type { Envelope } from './bus/envelope.ts'
export type { EventStream } from './bus/event-stream.ts'
export type { Journal, JournalRecord } from './bus/journal.ts'
export type { Limits } from './bus/limited.ts'
export type { EventStreamOptions } from './bus/listening.ts'
export type { MailboxOptions, Overflow } from './bus/mailbox.ts'
export { NO_OUTPUT, type Middleware, type MiddlewareMessage, type Next } from './bus/middleware.ts'
export type { CommandEnd, DeliveryEnd, Probe } from './bus/probe.ts'
export type { Receipt, SettledReport } from './bus/receipt.ts'
export type { RetryOptions } from './bus/retry.ts'
export type { Scheduled, Timing } from './bus/schedule.ts'
export type { Schedules } from './bus/scheduler.ts'
export type { ExecuteOptions, Scope, Sender } from './bus/scope.ts'
export type { StopReport } from './bus/stop.ts'
export type { TrackedMessage } from './bus/tracker.ts'
export type { Unsubscribe } from './bus/unsubscribe.ts'
export type { WaitOptions } from './bus/waiting.ts'

export { jsonlJournal } from './journal/jsonl-journal.ts'
export type {
  Durability,
  JsonlJournalOptions,
  KeepOptions,
  RotateOptions,
} from './journal/journal-options.ts'
export type { JournalFile, JournalFiles } from './journal/journal-files.ts'
export { memoryJournal, type MemoryJournal } from './journal/memory-journal.ts'
export { readJournal, type ReadJournalOptions } from './journal/read-journal.ts'

export type { AppOptions } from './app-options.ts'
export { createApp, type App } from './create-app.ts'
export type { Chat, ResumeOptions, SendOptions, TextStream, TurnOutput } from './chat.ts'
export { toolChatEngine } from './engine/tool-chat-engine.ts'
export type { ToolChatEngineOptions } from './engine/engine-settings.ts'
export type { TurnLimits } from './engine/limits.ts'
export {
  callsFailed,
  sameCallRepeated,
  toolCalled,
  type StopRule,
  type TurnState,
} from './engine/stop-rules.ts'
export {
  defineTool,
  type Tool,
  type ToolCall,
  type ToolCondition,
  type ToolEffect,
  type ToolOptions,
} from './tools/define-tool.ts'
export { mockTool } from './tools/mock-tool.ts'
export {
  share,
  sharedObjects,
  sharedRef,
  type SharedObjects,
  type SharedObjectsOptions,
  type SharedRef,
  type ShareOptions,
  type SharingScope,
} from './tools/shared-objects.ts'
export type { ApprovePolicy } from './tools/tool-approval.ts'
export { toolManager } from './tools/tool-manager.ts'
export type { ToolManagerOptions } from './tools/tool-manager-options.ts'
export type { JsonSchemaObject } from './tools/tool-schema.ts'
export {
  readToolResult,
  type ReadToolResultOptions,
  type ResultMatches,
  type ResultSlice,
} from './tools/read-result.ts'
export {
  resultStore,
  type KeptResult,
  type ResultStore,
  type ResultStoreOptions,
} from './tools/result-store.ts'
export { toolIndex, type FoundTool, type ToolIndex } from './tools/tool-index.ts'
export { contextManager, type ContextManagerOptions } from './context/context-manager.ts'
export {
  attachment,
  type AttachmentOptions,
  type AttachmentPart,
  type AttachmentSource,
} from './context/attachment.ts'
export {
  currentTime,
  usageSoFar,
  userInfo,
  type ContextProvider,
  type UserInfo,
} from './context/context-providers.ts'
export { estimateTokens, estimateToolTokens } from './context/estimate-tokens.ts'
export {
  lastMessages,
  withinTokens,
  type ContextBudget,
  type ContextStrategy,
  type WindowStrategy,
} from './context/strategies.ts'
export { summarize, SUMMARY_PROMPT, type SummarizeOptions } from './context/summarize.ts'
export type { SessionOptions } from './sessions/session-options.ts'
export { jsonFileSessions } from './sessions/json-file-sessions.ts'
export { memorySessions } from './sessions/memory-sessions.ts'
export type { SessionChange } from './sessions/session-change.ts'
export type { HeldSession, SessionStorage } from './sessions/session-storage.ts'
export { sessionStore } from './sessions/session-store.ts'
export type { ApiKey } from './providers/api-key.ts'
export type { ProfileChoice } from './providers/choose-profile.ts'
export { modelRouter } from './providers/model-router.ts'
export { openaiProvider, type OpenAIProviderOptions } from './providers/openai-provider.ts'
export type { Profile, ReasoningField } from './providers/profile.ts'
export { PROFILES } from './providers/profiles.ts'
export type { TimeoutPhase, Timeouts } from './providers/timeouts.ts'
export type { NameRule } from './providers/wire-names.ts'
export { scriptedProvider, type ScriptedAnswer, type ScriptedStep } from './providers/scripted-provider.ts'
export { offlineServer } from './offline/open-offline-server.ts'
export type { OfflineServer } from './offline/offline-server.ts'
export { consoleLog, LOG_LEVELS, type ConsoleLogOptions, type LogLevel } from './console/console-log.ts'
export { terminalApprovals, type TerminalApprovalsOptions } from './console/terminal-approvals.ts'
export { visibleLine, visibleText } from './console/visible-text.ts'
export { BUSLINE_VERSION } from './bus/version.ts'

export * from './messages/approval.ts'
export * from './messages/policies.ts'
export { approvals } from './policies/approvals.ts'
export { circuitBreaker, type CircuitBreakerOptions } from './policies/circuit-breaker.ts'
export { concurrencyLimit, type ConcurrencyLimitOptions } from './policies/concurrency-limit.ts'
export { filter } from './policies/filter.ts'
export { idempotency, type IdempotencyOptions } from './policies/idempotency.ts'
export { memoryOutcomes, type IdempotencyStore, type StoredOutcome } from './policies/idempotency-store.ts'
export { rateLimit, type RateLimitOptions } from './policies/rate-limit.ts'
export { memoryRateLimits, type RateLimitStore, type TokenBucket } from './policies/rate-limit-store.ts'
export { requireApproval, type RequireApprovalOptions } from './policies/require-approval.ts'
export { retry } from './policies/retry.ts'
export type { KeyOf } from './policies/route-of.ts'
export { timeout } from './policies/timeout.ts'

export * from './messages/observability.ts'
export type { BusSnapshot, RunningCommand } from './bus/inspect.ts'
export { metrics, type Metering, type MetricsOptions } from './observability/metrics.ts'
export type { MetricSnapshot, MetricsSnapshot } from './observability/metrics-snapshot.ts'
export type { Span, SpanPoint, SpanStatus } from './observability/span.ts'
export { spansOf, type SpanFilter } from './observability/spans-of.ts'
export { waterfall, type WaterfallOptions } from './observability/waterfall.ts'
export { withSpan, type SpanScope } from './observability/with-span.ts'

export { structuredOutput } from './structured/structured-output.ts'
export { outputSchema } from './structured/output-schema.ts'
export type { OutputIssue } from './structured/read-output.ts'
export { usageMeter, type UsageMeterOptions } from './usage/usage-meter.ts'
export type { Budget } from './usage/budgets.ts'
export type { BudgetOptions } from './usage/budget-guard.ts'
export { costOf } from './usage/cost-of.ts'
export type { ModelPrice, Prices, PriceTable } from './usage/price-table.ts'
export { PRICES } from './usage/prices.ts'
export { memoryUsage, type UsageStore } from './usage/usage-store.ts'
export { addTotals } from './usage/usage-totals.ts'
