import { type Check, type CheckContext, type Finding, passed, warning } from '../context/check.ts'
import { type Closed, openSocket, type ProbeSocket } from '../context/probe-socket.ts'

/** Behaviour of API Gateway that is not documented, and how to see it. */
export interface Fact {
  readonly id: string
  readonly title: string
  readonly calls: string
  readonly cost: string
  /** What the local line does, in words. */
  readonly assumed: string
  /** The option of the local gateway that changes it. @default none */
  readonly option?: string
  readonly timeoutMs?: number
  /** Resolves to what was seen, in the words of `assumed` where it is the same. */
  observe(context: CheckContext): Promise<string>
}

export const reportIt = 'Please report what was seen: AWS does not document it.'

/** A check that passes where what is seen is what the local line does. A difference is a warning. */
export function toCheck({ option, observe, assumed: expected, ...fact }: Fact): Check {
  const remedy = `${option === undefined ? '' : `Set gateway.undocumented.${option} of the local line to what was seen. `}${reportIt}`
  return {
    ...fact,
    remedy,
    needs: ['handshake'],
    async run(context): Promise<Finding> {
      const seen = await observe(context)
      return seen === expected
        ? passed(`Seen as assumed: ${seen}.`)
        : warning(`Assumed: ${expected}. Seen: ${seen}.`, remedy)
    },
  }
}

/** Opens a socket. Rejects when the handshake is refused. */
export async function open(context: CheckContext, options?: Parameters<typeof openSocket>[1]): Promise<ProbeSocket> {
  const opened = await openSocket(context, options)
  if (opened.status === 'open') return opened.socket
  throw new Error(`The handshake was answered ${opened.code}.`)
}

/** How a socket was closed, in words. */
export const words = ({ code, reason }: Closed) => `closed with ${code} ${JSON.stringify(reason)}`
