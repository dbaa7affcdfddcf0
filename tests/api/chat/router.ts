import { lazy } from '@trpc/server'
import { askRouter } from './ask.router.ts'
import { messagesRouter } from './messages.router.ts'
import { roomRouter } from './room.router.ts'
import { t } from './trpc.ts'

export const appRouter = t.router({
  messages: messagesRouter,
  room: roomRouter,
  bot: askRouter,
  connection: t.procedure.query(() => 'a procedure may be called connection' as const),
  later: lazy(() => import('./messages.router.ts').then((m) => m.messagesRouter)),
})
export type AppRouter = typeof appRouter
