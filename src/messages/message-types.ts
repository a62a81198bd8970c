/** The type of a note that stands in a journal for the sake of its replay, often, and says nothing of what was done. */
export const TIME_READ = 'bus.timeRead'

/** The type of a note: somebody outside cancelled the command that is its cause, or its time was up. */
export const CANCEL_REQUESTED = 'bus.cancelRequested'

/**
 * The types of messages by which readers know them, without their definitions: the schemas of these take longer to load
 * than the end of a large journal takes to read.
 */
export const MESSAGE_TYPES = {
  runTurn: 'chat.runTurn',
  continueTurn: 'chat.continueTurn',
  callModel: 'model.call',
  modelTextReceived: 'model.textReceived',
  modelReasoningReceived: 'model.reasoningReceived',
  modelToolCallStarted: 'model.toolCallStarted',
  callTool: 'tool.call',
  openSession: 'session.open',
  updateSession: 'session.update',
  appendMessages: 'session.append',
  editMessages: 'session.edit',
  spanStarted: 'span.started',
  spanEnded: 'span.ended',
} as const
