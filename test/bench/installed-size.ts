import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A package as a lock file and a package.json tell of it. */
interface Manifest {
  readonly name?: string
  readonly files?: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { optional?: boolean }>>
}

/**
 * The bytes on disk, as `du` counts them, of packages installed in a folder and of all that npm installs with them; of the
 * folder's own package, what it publishes.
 */
export function installedBytes(packages: readonly string[], folder: string): number {
  const lock: { packages: Record<string, Manifest> } = JSON.parse(
    readFileSync(join(folder, 'package-lock.json'), 'utf8'),
  )
  const found = new Set<string>()
  const take = (name: string, from: string): void => {
    const place = placeOf(lock.packages, name, from)
    if (place === undefined || found.has(place)) return
    found.add(place)
    for (const needed of neededBy(lock.packages[place] ?? {})) take(needed, place)
  }

  const own: Manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  for (const name of packages) {
    if (name !== own.name) take(name, '')
    else for (const needed of neededBy(own)) take(needed, '')
  }
  const installed = [...found].reduce((sum, place) => sum + bytesIn(join(folder, place)), 0)
  return installed + (packages.includes(own.name ?? '') ? publishedBytes(own, folder) : 0)
}

/** Where Node finds it: beside who needs it or further up. An optional one that npm left out has no place. */
function placeOf(places: Readonly<Record<string, Manifest>>, name: string, from: string): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const place = `${at === '' ? '' : `${at}/`}node_modules/${name}`
    if (places[place]) return place
    if (at === '') return undefined
  }
}

function neededBy(manifest: Manifest): string[] {
  const { dependencies, optionalDependencies, peerDependencies = {}, peerDependenciesMeta } = manifest
  const peers = Object.keys(peerDependencies).filter(
    (name) => peerDependenciesMeta?.[name]?.optional !== true,
  )
  return [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers]
}

/** npm publishes these three whatever `files` says. */
function publishedBytes({ files = [] }: Manifest, folder: string): number {
  const names = [...files, 'package.json', 'README.md', 'LICENSE']
  return names.reduce((sum, name) => sum + bytesIn(join(folder, name)), 0)
}

/** Without the packages inside of a package: those are counted when somebody needs them. */
function bytesIn(path: string): number {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (!stats) return 0
  const own = stats.blocks * 512
  if (!stats.isDirectory()) return own
  const names = readdirSync(path).filter((name) => name !== 'node_modules')
  return names.reduce((sum, name) => sum + bytesIn(join(path, name)), own)
}
