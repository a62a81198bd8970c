import { jsonlJournal, MessageBus, type JournalFile, type JournalRecord } from 'busline'
import { seededRandom, simulatedFiles, type InjectedFileFault, type SimulatedFiles } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import { Carried, Carry, Pay } from '../bus/fixtures/greeting.ts'
import { rejection, thrownBy } from '../bus/fixtures/promises.ts'

const PATH = '/a.jsonl'

function opened(files: SimulatedFiles, path = PATH): JournalFile {
  const file = files.open(path)
  if ('heldBy' in file) throw new Error(`${path} is held.`)
  return file
}

/** Appends a text, and returns how many of its bytes were taken. */
function write(file: JournalFile, text: string): number {
  return file.append(Buffer.from(text))
}

describe('simulated files', () => {
  test('hold what was appended, and begin empty', () => {
    const files = simulatedFiles()
    expect([files.read(PATH), files.durable(PATH)]).toEqual(['', ''])
    const file = opened(files)
    expect([write(file, 'häl'), write(file, 'lo')]).toEqual([4, 2])

    expect(files.read(PATH)).toBe('hällo')
    expect(file.size()).toBe(6)
    expect(Buffer.from(file.read(4, 10)).toString()).toBe('lo')
    file.truncate(1)
    expect([files.read(PATH), file.size()]).toEqual(['h', 1])
    expect(files.injected).toEqual([])
  })

  test('keep a copy of what was appended', () => {
    const files = simulatedFiles()
    const bytes = Buffer.from('one')
    opened(files).append(bytes)
    bytes.fill('x')
    expect(files.read(PATH)).toBe('one')
  })

  test('are apart from one another', () => {
    const files = simulatedFiles()
    write(opened(files, '/a'), 'a')
    write(opened(files, '/b'), 'b')
    expect([files.read('/a'), files.read('/b'), simulatedFiles().read('/a')]).toEqual(['a', 'b', ''])
  })

  test('are held by one holder, until it closes them', () => {
    const files = simulatedFiles()
    const file = opened(files)
    expect(files.open(PATH)).toEqual({ heldBy: process.pid })
    write(file, 'one')
    file.close()
    file.close()

    expect(opened(files).size()).toBe(3)
    file.close()
    expect(files.open(PATH), 'closing again lets nobody else in').toEqual({ heldBy: process.pid })
  })
})

describe('a fault', () => {
  test('of a short write takes a part, at least one byte and never all', () => {
    const files = simulatedFiles({ faults: { shortWrite: 1 } })
    const file = opened(files)
    const taken = Array.from({ length: 200 }, () => write(file, '0123456789'))

    expect(new Set(taken)).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8, 9]))
    expect(file.size()).toBe(taken.reduce((sum, bytes) => sum + bytes, 0))
    expect(files.read(PATH).startsWith('0123456789'.slice(0, taken[0]))).toBe(true)
    expect(files.injected).toHaveLength(200)
    expect(files.injected[0]).toEqual({ fault: 'shortWrite', path: PATH })
  })

  test('of a write takes nothing and throws EIO', () => {
    const files = simulatedFiles({ faults: { writeError: 1 } })
    const file = opened(files)
    expect(thrownBy(() => write(file, 'one'))).toMatchObject({ code: 'EIO' })
    expect(files.read(PATH)).toBe('')
    expect(files.injected).toEqual([{ fault: 'writeError', path: PATH }])
  })

  test('comes as often as is likely, from any moment on', () => {
    const files = simulatedFiles()
    const file = opened(files)
    write(file, 'x')
    files.faults = { writeError: 0.25 }
    for (let n = 0; n < 1000; n++)
      try {
        write(file, 'x')
      } catch {
        // Counted below.
      }
    expect(files.injected.length).toBeGreaterThan(200)
    expect(files.injected.length).toBeLessThan(300)
    files.faults = {}
    expect(write(file, 'x')).toBe(1)
  })

  test('is the same for the same randomness, and another for another', () => {
    const met = (seed: number): readonly InjectedFileFault[] => {
      const files = simulatedFiles({
        random: seededRandom(seed),
        faults: { shortWrite: 0.3, writeError: 0.3 },
      })
      const file = opened(files)
      for (let n = 0; n < 50; n++)
        try {
          write(file, 'some text')
        } catch {
          // Listed in `injected`.
        }
      return [...files.injected, { fault: 'noRoom', path: `${file.size()} bytes` }]
    }
    expect(met(1)).toEqual(met(1))
    expect(met(1)).not.toEqual(met(2))
  })

  test('is drawn from seed 1 by default', () => {
    const [one, other] = [simulatedFiles(), simulatedFiles({ random: seededRandom(1) })]
    const sizes = [one, other].map((files) => {
      files.faults = { shortWrite: 0.5 }
      const file = opened(files)
      return Array.from({ length: 20 }, () => write(file, '0123456789'))
    })
    expect(sizes[0]).toEqual(sizes[1])
  })
})

describe('a disk without room', () => {
  test('takes what fits, and throws ENOSPC for the rest', () => {
    const files = simulatedFiles({ room: 4 })
    const file = opened(files)
    expect([write(file, 'abc'), write(file, 'def')]).toEqual([3, 1])
    expect(thrownBy(() => write(file, 'ef'))).toMatchObject({ code: 'ENOSPC' })

    expect(files.read(PATH)).toBe('abcd')
    const noRoom = { fault: 'noRoom', path: PATH }
    expect(files.injected).toEqual([noRoom, noRoom])
  })

  test('is one for all files, and has room again when one is cut or room is made', () => {
    const files = simulatedFiles({ room: 4 })
    const [one, other] = [opened(files, '/a'), opened(files, '/b')]
    write(one, 'abcd')
    expect(thrownBy(() => write(other, 'x'))).toMatchObject({ code: 'ENOSPC' })
    one.truncate(2)
    expect(write(other, 'x')).toBe(1)
    files.room = 100
    expect(write(other, 'yz')).toBe(2)
    files.room = 0
    expect(thrownBy(() => write(other, 'x'))).toMatchObject({ code: 'ENOSPC' })
  })
})

describe('a sync', () => {
  test('makes durable what was appended before it', async () => {
    const files = simulatedFiles()
    const file = opened(files)
    write(file, 'one')
    expect(files.durable(PATH)).toBe('')
    const syncing = file.datasync()
    write(file, 'two')
    await syncing

    expect(files.durable(PATH)).toBe('one')
    expect(files.read(PATH)).toBe('onetwo')
    file.truncate(2)
    write(file, 'ce')
    expect(files.durable(PATH)).toBe('on')
  })

  test('that fails throws EIO, and the next one succeeds without what it covered', async () => {
    const files = simulatedFiles({ faults: { syncError: 1 } })
    const file = opened(files)
    write(file, 'one')
    expect(await rejection(file.datasync())).toMatchObject({ code: 'EIO' })
    files.faults = {}
    write(file, 'two')
    await file.datasync()

    expect(files.read(PATH), 'readers still see it').toBe('onetwo')
    expect(files.durable(PATH)).toBe('')
    expect(files.injected).toEqual([{ fault: 'syncError', path: PATH }])
  })

  test('has what was written again in place of what a failed one had dropped', async () => {
    const files = simulatedFiles()
    const file = opened(files)
    write(file, 'sure')
    await file.datasync()
    write(file, 'lost')
    files.faults = { syncError: 1 }
    await rejection(file.datasync())
    files.faults = {}
    file.truncate(4)
    write(file, 'kept')
    await file.datasync()

    expect(files.durable(PATH)).toBe('surekept')
    files.crash('power')
    expect(files.read(PATH)).toBe('surekept')
  })

  test('that fails takes nothing from another that has succeeded meanwhile', async () => {
    const files = simulatedFiles({ random: () => 0 })
    const file = opened(files)
    write(file, 'one')
    const first = file.datasync()
    write(file, 'two')
    const second = file.datasync()
    await first
    files.faults = { syncError: 1 }
    await rejection(second)

    expect(files.durable(PATH)).toBe('one')
    files.crash('power')
    expect(files.read(PATH)).toBe('one')
  })
})

describe('a crash', () => {
  /** A file of which 4 bytes are synced and 4 are not, after a crash for which `random` is drawn. */
  const crashed = async (kind: 'process' | 'power', random = 0): Promise<SimulatedFiles> => {
    const files = simulatedFiles({ random: () => random })
    const file = opened(files)
    write(file, 'sure')
    await file.datasync()
    write(file, 'open')
    files.crash(kind)
    return files
  }

  test('of the process keeps all that the system took', async () => {
    const files = await crashed('process')
    expect([files.read(PATH), files.durable(PATH)]).toEqual(['sureopen', 'sure'])
  })

  test('is one of the process unless it is told otherwise', () => {
    const files = simulatedFiles()
    write(opened(files), 'open')
    files.crash()
    expect(files.read(PATH)).toBe('open')
  })

  test.for([
    [0, 'sure'],
    [0.5, 'sureop'],
    [0.999, 'sureopen'],
  ] as const)('of the power keeps what was synced and %d of the rest', async ([random, left]) => {
    const files = await crashed('power', random)
    expect([files.read(PATH), files.durable(PATH)]).toEqual([left, left])
  })

  test('of the power leaves zeros where a failed sync has dropped bytes and later ones were kept', async () => {
    const files = simulatedFiles({ faults: { syncError: 1 }, random: () => 0.999 })
    const file = opened(files)
    write(file, 'lost')
    await rejection(file.datasync())
    write(file, 'kept')
    files.crash('power')
    expect(files.read(PATH)).toBe('\0\0\0\0kept')
  })

  test('of the power leaves none where they were cut and written again', async () => {
    const files = simulatedFiles({ faults: { syncError: 1 }, random: () => 0.999 })
    const file = opened(files)
    write(file, 'lostlost')
    await rejection(file.datasync())
    file.truncate(4)
    write(file, 'kept')
    files.crash('power')
    expect(files.read(PATH)).toBe('\0\0\0\0kept')
  })

  test('takes the files from their holders: what they still do goes nowhere, and others open them', async () => {
    const files = simulatedFiles()
    const file = opened(files)
    write(file, 'one')
    const syncing = file.datasync()
    files.crash()
    const next = opened(files)

    expect(write(file, 'two')).toBe(3)
    file.truncate(0)
    await Promise.all([syncing, file.datasync()])
    expect([files.read(PATH), files.durable(PATH)]).toEqual(['one', ''])
    file.close()
    expect(files.open(PATH)).toEqual({ heldBy: process.pid })
    write(next, 'two')
    expect(files.read(PATH)).toBe('onetwo')
  })
})

describe('a journal on simulated files', () => {
  const recordsIn = (text: string): JournalRecord[] =>
    text
      .trimEnd()
      .split('\n')
      .map((line): JournalRecord => JSON.parse(line))
  const seqsIn = (text: string): number[] => recordsIn(text).map(({ seq }) => seq)

  test('keeps every line, in order, through short writes, errors and a disk that was full', async () => {
    const files = simulatedFiles({ faults: { shortWrite: 0.5, writeError: 0.3 } })
    const bus = new MessageBus({ journal: jsonlJournal(PATH, { files }) })
    for (let n = 0; n < 100; n++) {
      files.room = n % 10 === 5 ? files.read(PATH).length + 7 : Infinity
      bus.publish(Carried, n)
      await new Promise((resolve) => setImmediate(resolve))
    }
    files.faults = {}
    await bus.stop()

    expect(new Set(files.injected.map(({ fault }) => fault))).toEqual(
      new Set(['shortWrite', 'writeError', 'noRoom']),
    )
    expect(seqsIn(files.read(PATH))).toEqual(Array.from({ length: 101 }, (_, seq) => seq))
  })

  test('holds an effect back while it can not be written, and runs the next one when it can', async () => {
    const files = simulatedFiles()
    const bus = new MessageBus({ journal: jsonlJournal(PATH, { files }) })
    const paid: number[] = []
    bus.handle(Pay, ({ amount }) => `paid ${paid.push(amount)}`)
    files.room = 0
    await expect(bus.execute(Pay, { amount: 1 })).rejects.toMatchObject({ code: 'JOURNAL_FAILED' })
    files.room = Infinity
    expect(await bus.execute(Pay, { amount: 2 })).toBe('paid 1')

    expect(paid).toEqual([2])
    await bus.stop()
  })

  test('of class disk has everything durable after a stop, although syncs fail', async () => {
    const files = simulatedFiles({ faults: { syncError: 0.5 } })
    const bus = new MessageBus({ journal: jsonlJournal(PATH, { files, durability: 'disk' }) })
    bus.handle(Pay, () => 'paid')
    const payments = await Promise.allSettled(
      Array.from({ length: 20 }, async (_, amount) => {
        for (let turn = 0; turn < amount * 3; turn++) await new Promise((resolve) => setImmediate(resolve))
        return bus.execute(Pay, { amount })
      }),
    )
    files.faults = {}
    await bus.stop()

    expect(new Set(payments.map(({ status }) => status))).toEqual(new Set(['fulfilled', 'rejected']))
    expect(files.durable(PATH)).toBe(files.read(PATH))
    files.crash('power')
    expect(seqsIn(files.read(PATH))).toEqual(Array.from({ length: 41 }, (_, seq) => seq))
  })

  test('goes on after a power cut with what was left, and cuts a line that was torn', async () => {
    const torn: number[] = []
    for (let seed = 1; seed <= 20; seed++) {
      const files = simulatedFiles({ random: seededRandom(seed) })
      const first = new MessageBus({ journal: jsonlJournal(PATH, { files, durability: 'disk' }) })
      first.handle(Pay, () => 'paid')
      await first.execute(Pay, { amount: 1 })
      for (let n = 0; n < 3; n++) first.publish(Carried, n)
      await new Promise((resolve) => setImmediate(resolve))
      files.crash('power')
      if (!files.read(PATH).endsWith('\n')) torn.push(seed)

      const next = new MessageBus({ journal: jsonlJournal(PATH, { files }) })
      next.handle(Carry, () => null)
      await next.execute(Carry, null)
      await Promise.all([next.stop(), first.stop()])
      const records = recordsIn(files.read(PATH))
      expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index))
      expect(records.map(({ type }) => type)).toEqual(
        expect.arrayContaining([Pay.type, 'bus.opened', Carry.type]),
      )
      expect(records.some(({ type }) => type === 'bus.recovered')).toBe(torn.includes(seed))
    }
    expect(torn.length).toBeGreaterThan(5)
  })

  test('refuses a file that another one holds', async () => {
    const files = simulatedFiles()
    const journal = jsonlJournal(PATH, { files })
    expect(thrownBy(() => jsonlJournal(PATH, { files }))).toMatchObject({ code: 'JOURNAL_IN_USE' })
    await journal.close()
    await jsonlJournal(PATH, { files }).close()
  })
})
