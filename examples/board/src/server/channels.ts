import { createLine } from '@trunkline/server'
import { boardEvent, boardKey } from './schemas.ts'

export const line = createLine()

/** What happened on a board. Nothing of this application publishes to it: its events are made of writes to the table. */
export const board = line.channel('board', { key: boardKey, event: boardEvent })
