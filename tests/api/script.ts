import { publishBatch } from '@trunkline/server'
import { awsBackend } from '@trunkline/server/aws'
import { line, messages } from './readme/line.ts'

// TRUNKLINE_TABLE=chat-prod AWS_PROFILE=prod node script.ts
export const announce = () => messages.publish({ room: 'lobby' }, { author: 'ops', text: 'maintenance at 5' })
// or spelled out
const rooms = ['a', 'b'].map((room) => messages.entry({ room }, { author: 'ops', text: 'hi' }))
export const greet = (table: string, endpoint?: string) =>
  line.withBackend(awsBackend({ table, region: 'eu-west-1', ...(endpoint === undefined ? {} : { endpoint }) }), () =>
    publishBatch(line, rooms),
  )
