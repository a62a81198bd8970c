import { BuslineError } from '../messages/busline-error.ts'
import { checkProfile, isWholeProfile } from './check-profile.ts'
import { isRecord } from './is-record.ts'
import type { Profile } from './profile.ts'
import { PROFILES } from './profiles.ts'

/** The name of a profile, or what differs from the one that the base URL says. */
export type ProfileChoice = string | Partial<Profile>

/**
 * The profile for a base URL (none: OpenAI's own), unless `choice` names another or changes a part of it. What nothing
 * fits gets `generic`, which is as careful as can be. A name of one's own needs a whole profile.
 *
 * @throws BuslineError `INVALID_OPTION` for a name that nobody knows, what is no profile, or a field that can not be meant
 */
export function profileFor(baseURL: string | undefined, choice?: ProfileChoice): Profile {
  if (typeof choice === 'string') return named(choice)
  if (choice !== undefined && !isRecord(choice)) throw noChoice(choice)
  const fitting = baseURL
    ? PROFILES.find(({ hosts }) => hosts.some((host) => isAt(baseURL, host)))
    : undefined
  const matched = fitting ?? named(baseURL ? 'generic' : 'openai')
  if (choice === undefined) return matched
  checkProfile(choice)
  if (isWholeProfile(choice)) return choice
  return { ...(choice.name === undefined ? matched : named(choice.name)), ...choice }
}

function find(name: string): Profile | undefined {
  return PROFILES.find((profile) => profile.name === name)
}

function named(name: string): Profile {
  const profile = find(name)
  if (profile) return profile
  const names = PROFILES.map((one) => one.name).join(', ')
  throw new BuslineError(
    'INVALID_OPTION',
    `openaiProvider({ profile }) knows no profile ${JSON.stringify(name)}. There are ${names}; or give an object with what differs, without a name.`,
    { data: { option: 'profile' } },
  )
}

function noChoice(given: unknown): BuslineError {
  return new BuslineError(
    'INVALID_OPTION',
    `openaiProvider({ profile }) must be the name of a profile or an object with what differs, not ${typeof given}.`,
    { data: { option: 'profile' } },
  )
}

function isAt(baseURL: string, host: string): boolean {
  if (!URL.canParse(baseURL)) return false
  const { hostname, port } = new URL(baseURL)
  if (!host.startsWith(':')) return hostname === host || hostname.endsWith(`.${host}`)
  return port === host.slice(1) && /^(?:localhost|127(?:\.\d+){3}|\[::1\]|0\.0\.0\.0)$/.test(hostname)
}
