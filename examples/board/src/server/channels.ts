import { createLine } from '@trunkline/server'
import { boardEvent, boardKey } from './schemas.ts'

export const line = createLine()

/** The events of a board. The application does not publish them: they are derived from writes to the table. */
export const board = line.channel('board', { key: boardKey, event: boardEvent })
