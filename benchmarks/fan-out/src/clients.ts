import { WebSocket } from 'ws'
import { apply, countErrors, type DeliveryErrors, type Frame, newPosition, type Position } from './position.ts'

/** Sockets to open. Each has a session in its subprotocol, which distinguishes it in the table. */
export interface Opening {
  readonly url: string
  readonly sessions: readonly string[]
  /** The positions of seeded subscriptions, by id. Absent: the socket sends its own subscribe. */
  readonly seeded?: Readonly<Record<string, number>>
}

/** The frame of a subscribe. */
export interface Subscribe {
  readonly id: string
  readonly method: 'subscription'
  readonly params: object
}

export type Command =
  | { readonly type: 'open'; readonly opening: Opening }
  | { readonly type: 'subscribe'; readonly frame: Subscribe; readonly count: number }
  | { readonly type: 'report' }
  | { readonly type: 'countErrors'; readonly head: number }
  | { readonly type: 'close' }

/** The totals of all sockets so far. */
export interface Report {
  readonly messages: number
  readonly frames: number
  readonly seen: number
  readonly doubled: number
  readonly subscriptions: number
}

const concurrentOpens = 10
const retryMs = 1_000
const maxHandshakes = 5 // attempts for each socket, since functions on a busy machine may be late

/** Runs the client process, which has its own file descriptors and CPU time. Answers each command with a message. */
export function serveClients(): void {
  const sockets: WebSocket[] = []
  const positions: Position[] = []
  const count = { messages: 0, frames: 0 }

  async function open({ url, sessions, seeded }: Opening): Promise<void> {
    let next = 0
    const worker = async () => {
      for (let session = sessions[next++]; session !== undefined; session = sessions[next++])
        sockets.push(await openOne(url, session, seeded))
    }
    await Promise.all(Array.from({ length: concurrentOpens }, worker))
  }
  async function openOne(url: string, session: string, seeded: Opening['seeded']): Promise<WebSocket> {
    const own = new Map(Object.entries(seeded ?? {}).map(([id, at]) => [id, newPosition(at)]))
    positions.push(...own.values())
    for (let left = maxHandshakes - 1; ; left--) {
      try {
        return await openSocket(url, session, own)
      } catch (error) {
        if (left === 0) throw error
      }
    }
  }
  function openSocket(url: string, session: string, own: Map<string, Position>): Promise<WebSocket> {
    const socket = new WebSocket(url, session === '' ? [] : ['trunkline.1', `session.${session}`])
    socket.on('message', (data) => {
      count.messages += 1
      for (const frame of [JSON.parse(String(data))].flat() as Frame[]) {
        count.frames += 1
        onFrame(own, frame)
      }
    })
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(socket))
      socket.once('error', reject)
    })
  }
  /** Subscribes, and repeats while the answer is an error, like Trunkline's client. */
  function subscribe(socket: WebSocket, frame: Subscribe, ref: number): void {
    const { id } = frame
    socket.on('message', function answered(data) {
      const frames = [JSON.parse(String(data))].flat() as { readonly id?: unknown; readonly error?: unknown }[]
      const own = frames.find((each) => each.id === id)
      if (own === undefined) return
      socket.off('message', answered)
      if (own.error !== undefined) setTimeout(subscribe, retryMs, socket, frame, ref + 1)
    })
    socket.send(JSON.stringify({ ...frame, params: { ...frame.params, ref } }))
  }
  function onFrame(own: Map<string, Position>, frame: Frame): void {
    const id = String(frame.id)
    const known = own.get(id)
    if (known === undefined && frame.result?.type !== 'started' && frame.result?.type !== 'data') return
    const position = known ?? newPosition(undefined)
    if (known === undefined) {
      own.set(id, position)
      positions.push(position)
    }
    apply(position, frame)
  }
  const answers: { readonly [Type in Command['type']]: (command: Command & { type: Type }) => unknown } = {
    open: ({ opening }) => open(opening),
    subscribe({ frame, count: last }) {
      for (const socket of sockets.slice(-last)) subscribe(socket, frame, 1)
    },
    report: () => toReport(positions, count),
    countErrors: ({ head }) => toErrors(positions, head),
    close() {
      for (const socket of sockets.splice(0)) socket.terminate()
      positions.splice(0)
      Object.assign(count, { messages: 0, frames: 0 })
    },
  }
  process.on('message', async (command: Command) => {
    const answer = await Promise.resolve(answers[command.type](command as never)).catch((error: unknown) => ({
      error: String(error),
    }))
    process.send?.(answer ?? {})
  })
  process.once('disconnect', () => process.exit(0))
}

function toReport(
  positions: readonly Position[],
  count: { readonly messages: number; readonly frames: number },
): Report {
  const sum = (part: (position: Position) => number) => positions.reduce((all, each) => all + part(each), 0)
  const [seen, doubled] = [sum((position) => position.seen.length), sum((position) => position.doubled)]
  return { ...count, seen, doubled, subscriptions: positions.length }
}

function toErrors(positions: readonly Position[], head: number): DeliveryErrors {
  const all = positions.map((position) => countErrors(position, head))
  const sum = (name: keyof DeliveryErrors) => all.reduce((total, each) => total + each[name], 0)
  return { lost: sum('lost'), doubled: sum('doubled'), reordered: sum('reordered') }
}
