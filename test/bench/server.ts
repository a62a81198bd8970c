/** The offline server: prints its address, and ends with the process that holds its stdin. */
import { offlineServer } from 'busline'

const server = await offlineServer()
console.log(server.url)
process.stdin.resume()
process.stdin.once('end', () => process.exit())
