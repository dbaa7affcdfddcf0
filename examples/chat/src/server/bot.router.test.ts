import { memoryBackend } from '@trunkline/server/memory'
import { expect, it } from 'vitest'
import { line } from './channels.ts'
import { appRouter } from './router.ts'

const callAs = (name: string, isModerator = false) =>
  appRouter.createCaller({ user: { id: `user:${name}`, name, isModerator, lostRooms: [] } })

it('lets only the person who asked and a moderator stop an answer', async () => {
  const key = { room: 'r', asker: 'ann', id: crypto.randomUUID() }
  await line.withBackend(memoryBackend(), async () => {
    await expect(callAs('bob').bot.stop(key)).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: 'Only ann or a moderator may stop this answer.',
    })
    expect(await callAs('mod', true).bot.stop(key)).toEqual({ type: 'stopped' })
    expect(await callAs('ann').bot.stop(key)).toEqual({ type: 'stopped' })
  })
})
