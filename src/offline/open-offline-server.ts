import type { OfflineServer, OfflineServerOptions } from './offline-server.ts'

/**
 * Starts the offline model behind the chat-completions protocol on 127.0.0.1. Takes any key and any model name. It
 * keeps no process alive. Loaded when it is asked for.
 *
 * @throws BuslineError `MODEL_UNAVAILABLE` when the port can't be had; `cause` is the error of node:net
 */
export async function offlineServer(options: OfflineServerOptions = {}): Promise<OfflineServer> {
  const { startOfflineServer } = await import('./offline-server.ts')
  return await startOfflineServer(options)
}
