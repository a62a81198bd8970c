import { Subject } from 'rxjs'
import { sale, type Publisher, type PublisherSetup, type Sale } from '../peer.ts'

/** One subject an event: it knows no types that it would have to choose by. */
export function publisher({ subscribers, heard }: PublisherSetup): Publisher {
  const sold = new Subject<Sale>()
  for (let index = 0; index < subscribers; index++) sold.subscribe(() => heard())
  return { publish: () => sold.next(sale), stop: () => sold.complete() }
}
