import { expect, test } from 'vitest'
import { GroupCommit } from '../../src/journal/group-commit.ts'
import { deferred, rejection, type Deferred } from '../bus/fixtures/promises.ts'

function commits(): { commit: GroupCommit; runs: Deferred<void>[] } {
  const runs: Deferred<void>[] = []
  const commit = new GroupCommit(() => {
    const run = deferred()
    runs.push(run)
    return run.promise
  })
  return { commit, runs }
}

test('runs follow one another, and all that join during one share the next', async () => {
  const { commit, runs } = commits()
  const first = commit.join()
  const others = [commit.join(), commit.join()]
  expect(runs).toHaveLength(1)
  expect(commit.running).toBe(first)

  runs[0]?.resolve()
  await first
  await Promise.resolve()
  expect(runs).toHaveLength(2)
  const last = commit.join()
  runs[1]?.resolve()
  await Promise.all(others)
  runs[2]?.resolve()
  await last
  expect(runs).toHaveLength(3)
  expect(commit.running).toBeUndefined()
})

test('a run that fails fails for those who joined it, not for the next', async () => {
  const { commit, runs } = commits()
  const first = commit.join()
  const second = commit.join()
  runs[0]?.reject(new Error('no disk'))

  expect(await rejection(first)).toMatchObject({ message: 'no disk' })
  runs[1]?.resolve()
  await second
})

test('whoever joins again right after a run that ended does not begin a second one beside the next', async () => {
  let going = 0
  let most = 0
  const commit = new GroupCommit(async () => {
    most = Math.max(most, ++going)
    await new Promise((resolve) => setImmediate(resolve))
    going--
  })
  const again = commit.join().then(() => commit.join())
  await Promise.all([again, commit.join()])

  expect(most).toBe(1)
})
