import { preload } from '@trunkline/server/aws'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import { line } from './channels.ts'
import { appRouter } from './router.ts'
import { type ScheduledEvent, takeUpNext } from './schedule.ts'

/** Mapped to the stream of the cards table. */
export { cards } from './source.ts'

/** The functions of Trunkline. Browsers may connect from the origins in BOARD_ORIGINS, separated by commas. */
export const { authorizer, websocket, tableStream, deliver, worker } = createLambdaHandlers({
  router: appRouter,
  line,
  origins: (process.env['BOARD_ORIGINS'] ?? '').split(',').filter((origin) => origin !== ''),
})

/** The function that the schedule invokes. */
export const schedule = (event: ScheduledEvent) => takeUpNext(event)
await preload() // a shorter first event in the functions that use the table for each
