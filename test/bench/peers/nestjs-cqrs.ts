import type { INestApplicationContext, Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { CommandBus, CommandHandler, CqrsModule, EventBus, EventsHandler } from '@nestjs/cqrs'
import {
  sale,
  type Executor,
  type Publisher,
  type PublisherSetup,
  type Sale,
  type SaleHandler,
} from '../peer.ts'

// Its own application context, its own CqrsModule, its own explorer: handlers are found and bound as in any Nest
// application, and what is measured is `EventBus.publish` and `CommandBus.execute` with their default publishers. The
// decorators are called as functions, which is all that a decorator is; the handlers need nothing injected.

class Sold {
  readonly sale: Sale

  constructor(sale: Sale) {
    this.sale = sale
  }
}

class Sell {
  readonly sale: Sale

  constructor(sale: Sale) {
    this.sale = sale
  }
}

export async function publisher({ subscribers, unrelated, heard }: PublisherSetup): Promise<Publisher> {
  const handlers: Type[] = []
  for (let index = 0; index < subscribers; index++) {
    const SoldHandler = class {
      handle(_event: Sold): void {
        heard()
      }
    }
    EventsHandler(Sold)(SoldHandler)
    handlers.push(SoldHandler)
  }
  for (let index = 0; index < unrelated; index++) {
    const Happened = class {
      readonly index = index
    }
    const HappenedHandler = class {
      handle(_event: object): void {}
    }
    EventsHandler(Happened)(HappenedHandler)
    handlers.push(HappenedHandler)
  }
  const context = await contextWith(handlers)
  const bus = context.get(EventBus)
  return { publish: () => bus.publish(new Sold(sale)), stop: () => context.close() }
}

export async function executor(handler: SaleHandler): Promise<Executor> {
  class SellHandler {
    execute({ sale }: Sell): ReturnType<SaleHandler> {
      return handler(sale)
    }
  }
  CommandHandler(Sell)(SellHandler)
  const context = await contextWith([SellHandler])
  const bus = context.get(CommandBus)
  return { execute: () => bus.execute(new Sell(sale)), stop: () => context.close() }
}

async function contextWith(handlers: Type[]): Promise<INestApplicationContext> {
  class Bench {
    readonly handlers = handlers
  }
  const context = await NestFactory.createApplicationContext(
    { module: Bench, imports: [CqrsModule.forRoot()], providers: handlers },
    { logger: false },
  )
  return context.init()
}
