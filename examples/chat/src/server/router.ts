import { messagesRouter } from './messages.router.ts'
import { roomRouter } from './room.router.ts'
import { t } from './trpc.ts'

export const appRouter = t.router({ messages: messagesRouter, room: roomRouter })
export type AppRouter = typeof appRouter
