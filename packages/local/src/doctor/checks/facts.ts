// One file over 200 lines: each fact of AWS that is not proven has its probe here, one below the other.

import { setTimeout as sleep } from 'node:timers/promises'
import { undocumentedDefaults as assumed } from '../../emulators/apigateway/integration/undocumented.ts'
import { callbackApi } from '../context/aws.ts'
import { type Check, type CheckContext, skipped } from '../context/check.ts'
import { hasId, openSocket, type ProbeSocket } from '../context/probe-socket.ts'
import { unknownConnection } from './delivery.ts'
import { type Fact, open, reportIt, toCheck, words } from './fact.ts'
import { postFacts } from './post-facts.ts'

const answerMs = 10_000

interface Unobserved {
  readonly id: string
  readonly title: string
  readonly reason: string
}

/** A fact that no probe can see without changing the line or harming its callers. */
function unobserved({ id, title, reason }: Unobserved): Check {
  return { id, title, calls: 'nothing', cost: 'none', remedy: reportIt, run: async () => skipped(reason) }
}

/** What comes first: the end of the socket, an answer under this id, or neither. */
async function firstOf(socket: ProbeSocket, id: string): Promise<string> {
  const ended = new AbortController()
  const answered = socket.message((text) => hasId(id)(text) || /"message": ?"/.test(text))
  try {
    return await Promise.race([
      socket.closed.then(words),
      answered.then(
        (text) => (hasId(id)(text) ? 'answered' : text.slice(0, 120)),
        () => socket.closed.then(words),
      ),
      sleep(answerMs, 'no answer within 10 s', { signal: ended.signal }),
    ])
  } finally {
    ended.abort()
    answered.catch(() => {})
  }
}

const httpAddress = ({ target }: CheckContext) => (target.webSocketUrl ?? '').replace(/^ws/, 'http')

/** The status of a handshake at another path of the line's host. */
async function statusAt(context: CheckContext, change: (url: URL) => void): Promise<string> {
  const url = new URL(context.target.webSocketUrl ?? '')
  change(url)
  const opened = await openSocket({ ...context, target: { ...context.target, webSocketUrl: url.href } })
  return opened.status === 'open' ? 'open' : String(opened.code)
}

const largeCall = (bytes: number) =>
  JSON.stringify({ id: 'large', method: 'query', params: { path: 'trunkline.doctor', input: 'x'.repeat(bytes) } })

const facts: readonly Fact[] = [
  {
    id: 'fact-unknown-stage',
    title: 'the status for an unknown stage',
    calls: 'a handshake at another stage',
    cost: 'none',
    assumed: String(assumed.wrongPathStatus),
    option: 'wrongPathStatus',
    observe: (context) =>
      statusAt(context, (url) => {
        url.pathname = `${url.pathname.replace(/\/$/, '')}-doctor`
      }),
  },
  {
    id: 'fact-plain-get',
    title: 'the status for a plain GET at the address of the sockets',
    calls: 'one GET',
    cost: 'none',
    assumed: '426',
    observe: async (context) => String((await fetch(httpAddress(context), { signal: context.signal })).status),
  },
  {
    id: 'fact-rejection-body',
    title: 'the body of a rejected handshake',
    calls: 'a connect with a foreign origin',
    cost: 'one run of a function',
    assumed: JSON.stringify(assumed.rejectionBody),
    option: 'rejectionBody',
    async observe(context) {
      const opened = await openSocket(context, { origin: 'https://trunkline-doctor.invalid' })
      return opened.status === 'open' ? 'not rejected' : JSON.stringify(opened.body)
    },
  },
  {
    id: 'fact-deflate',
    title: 'whether permessage-deflate is negotiated',
    calls: 'a connect that offers it',
    cost: 'one connection',
    assumed: assumed.permessageDeflate ? 'negotiated' : 'not negotiated',
    option: 'permessageDeflate',
    observe: async (context) =>
      (await open(context, { offersDeflate: true })).extensions.includes('permessage-deflate')
        ? 'negotiated'
        : 'not negotiated',
  },
  {
    id: 'fact-reserved-route',
    title: 'how a message is routed that names $connect',
    calls: 'one message',
    cost: 'one connection, one message',
    assumed: 'answered',
    option: 'reservedKey',
    async observe(context) {
      const socket = await open(context)
      socket.send('{"id":"reserved","method":"$connect"}')
      return firstOf(socket, 'reserved')
    },
  },
  {
    id: 'fact-binary-close',
    title: 'how a binary message is answered',
    calls: 'one binary message',
    cost: 'one connection',
    assumed: words(assumed.binaryClose),
    option: 'binaryClose',
    async observe(context) {
      const socket = await open(context)
      socket.raw.send(Buffer.from([1, 2, 3]))
      return firstOf(socket, 'none')
    },
  },
  {
    id: 'fact-large-frame',
    title: 'how a frame of more than 32 KB is answered',
    calls: 'one frame of 33 KB',
    cost: 'one connection',
    assumed: words(assumed.tooLargeClose),
    option: 'tooLargeClose',
    async observe(context) {
      const socket = await open(context)
      socket.send(largeCall(33_000))
      return firstOf(socket, 'large')
    },
  },
  {
    id: 'fact-fragments',
    title: 'whether a message of 60 KB in frames of 30 KB arrives',
    calls: 'one message of two frames',
    cost: 'one connection, one message of 60 KB',
    assumed: 'answered',
    async observe(context) {
      const socket = await open(context)
      const text = largeCall(60_000)
      socket.raw.send(text.slice(0, 30_000), { fin: false })
      socket.raw.send(text.slice(30_000), { fin: true })
      return firstOf(socket, 'large')
    },
  },
  {
    id: 'fact-pong',
    title: 'whether the gateway answers a ping of the WebSocket protocol',
    calls: 'one ping',
    cost: 'one connection',
    assumed: 'pong',
    async observe(context) {
      const socket = await open(context)
      const pong = new Promise<string>((resolve) => socket.raw.once('pong', () => resolve('pong')))
      socket.raw.ping()
      return Promise.race([pong, firstOf(socket, 'none')])
    },
  },
  {
    id: 'fact-unknown-connection',
    title: 'the status of a post to a connection that does not exist, and of a malformed id',
    calls: 'two DELETE of the callback API',
    cost: 'two requests',
    assumed: '410 GoneException, 400 BadRequestException',
    async observe(context) {
      const { callbackUrl } = context.target
      if (callbackUrl === undefined)
        throw new Error('Expected the callback address, got none. Name the stage or the stack.')
      const { sdk, client } = await callbackApi(context, callbackUrl)
      const statusOf = (ConnectionId: string) =>
        client.send(new sdk.DeleteConnectionCommand({ ConnectionId }), { abortSignal: context.signal }).then(
          () => '204',
          (thrown: unknown) => {
            const { name, $metadata } = thrown as Error & { readonly $metadata?: { readonly httpStatusCode?: number } }
            return `${$metadata?.httpStatusCode ?? 'no status'} ${name}`
          },
        )
      return `${await statusOf(unknownConnection())}, ${await statusOf('doctor')}`
    },
  },
]

const slowFacts: readonly Fact[] = [
  {
    id: 'fact-ping-resets-idle',
    title: 'whether a ping of the WebSocket protocol resets the idle timeout',
    calls: 'two connections for 11 minutes, with a ping a minute on one of them',
    cost: 'two connections',
    assumed: assumed.pingResetsIdle
      ? 'the pinging socket stays open'
      : 'both sockets are closed with 1001 "Going away"',
    option: 'pingResetsIdle',
    timeoutMs: 700_000,
    async observe(context) {
      const [silent, pinging] = [await open(context), await open(context)]
      const stop = new AbortController()
      let pings = 0
      const timer = setInterval(() => pinging.raw.ping(() => pings++), 60_000)
      const waited = sleep(660_000, 'open' as const, { signal: AbortSignal.any([stop.signal, context.signal]) })
      try {
        const [first, second] = await Promise.all([
          Promise.race([silent.closed, waited]),
          Promise.race([pinging.closed, waited]),
        ])
        if (first === 'open') return 'the silent socket stays open for 11 minutes'
        if (second === 'open') return 'the pinging socket stays open'
        return words(first) === words(second)
          ? `both sockets are ${words(first)}`
          : `silent ${words(first)}, pinging ${words(second)}`
      } finally {
        clearInterval(timer)
        stop.abort()
        waited.catch(() => {})
      }
    },
  },
]

const withoutProbe: readonly Unobserved[] = [
  {
    id: 'fact-throttled-message',
    title: 'the frame for a throttled message',
    reason: 'Seeing it would throttle the callers of the line.',
  },
  {
    id: 'fact-connect-throttled',
    title: 'the status of a handshake whose function is throttled',
    reason: 'Seeing it needs a function with a reserved concurrency of 0.',
  },
  {
    id: 'fact-empty-body',
    title: 'what a two-way route sends for a response without a body, or with a status above 299',
    reason: 'Every response of a line has the status 200 and a body.',
  },
  {
    id: 'fact-disconnect-codes',
    title: 'the code of $disconnect after a lost socket, two hours, 1003 and 1009',
    reason: 'Only the functions see it. The line does not use it.',
  },
  {
    id: 'fact-authorizer-query',
    title: "the authorizer's query without a query",
    reason: 'Only the authorizer sees it. The line accepts both forms.',
  },
  {
    id: 'fact-ttl',
    title: 'how late TTL deletes a row',
    reason: 'It takes up to days. The line reads no expired row.',
  },
]

/** Probes of what AWS does not document. Those of `slow` take 11 minutes. */
export const factChecks: readonly Check[] = [...facts.map(toCheck), ...postFacts, ...withoutProbe.map(unobserved)]
export const slowFactChecks: readonly Check[] = slowFacts.map(toCheck)
