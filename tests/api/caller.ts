// A test of procedures alone: no line, no sockets, many at once.
import { memoryBackend } from '@trunkline/server/memory'
import { line, messages } from './readme/line.ts'
import { appRouter } from './readme/router.ts'

const caller = appRouter.createCaller({ user: 'ann' })
export const posted = () =>
  line.withBackend(memoryBackend(), async () => {
    await caller.post({ room: 'x', text: 'hi' })
    const { events } = await messages.read({ room: 'x' })
    return events[0]?.data.text satisfies string | undefined
    // not `caller.onMessage`: tRPC types a caller's items as { id, data } but yields [id, data] tuples
  })
