import { botRouter } from './bot.router.ts'
import { messagesRouter } from './messages.router.ts'
import { moderationRouter } from './moderation.router.ts'
import { roomRouter } from './room.router.ts'
import { t } from './trpc.ts'

export const appRouter = t.router({
  messages: messagesRouter,
  room: roomRouter,
  bot: botRouter,
  moderation: moderationRouter,
})
export type AppRouter = typeof appRouter
