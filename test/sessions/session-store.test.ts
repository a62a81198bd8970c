import { jsonFileSessions } from '../../src/sessions/json-file-sessions.ts'
import { memorySessions } from '../../src/sessions/memory-sessions.ts'
import { temporaryDir } from './session-bus.ts'
import { storeContract, type StoreUnderTest } from './store-contract.ts'

const stores: StoreUnderTest[] = [
  {
    name: 'memorySessions',
    create: (options) => {
      const store = memorySessions(options)
      return () => store
    },
  },
  {
    name: 'jsonFileSessions',
    create: (options) => {
      const dir = temporaryDir()
      return () => jsonFileSessions(dir, options)
    },
  },
]

for (const store of stores) storeContract(store)
