import { lineUsd, lineUse } from './line.ts'
import { pusherPlans, usdOf } from './prices.ts'
import { assumptions, daysInMonth, hoursInMonth, secondsInMonth, type Workload } from './workload.ts'

/** Dollars, or the words that are shown where there are none. */
export type Quote = number | string

/** A service that an application could use for its events. */
export interface Service {
  readonly name: string
  /** The dollars of a month in which nothing happens. */
  readonly monthly: Quote
  /** The dollars that a workload adds. */
  readonly usage: (work: Workload) => Quote
  /** The dollars of a whole application. @default `monthly` and `usage` */
  readonly total?: (work: Workload) => Quote
}

/** Calls by an HTTP API and a function, where the service has none. */
const callsByHttp = ({ calls }: Workload) => usdOf('httpRequests', calls) + functionUsd(calls, assumptions.otherCallMs)

/** Functions that run for so long each. */
function functionUsd(runs: number, ms: number, gb: number = assumptions.functionGb): number {
  return usdOf('requests', runs) + usdOf('gbSeconds', ((runs * ms) / 1_000) * gb)
}

/** The function that waits for the model. */
const answersUsd = ({ answers }: Workload) => functionUsd(answers, assumptions.answerSeconds * 1_000)

/** Messages of a service that bills a message in and each message out. Answers have one reader. */
const messagesOf = ({ events, audience, answers }: Workload) =>
  events * (1 + audience) + answers * assumptions.answerBatches * 2

/** Joins and leaves that each of the room sees. */
const presenceMessages = ({ connects, audience, presence }: Workload) => (presence ? connects * 2 * (1 + audience) : 0)

/** No listed plan is that large: the price is a matter of a contract. */
const beyondPlans = 'not listed'

const line: Service = { name: 'a line', monthly: 0, usage: (work) => lineUsd(lineUse(work)) }

const appSync: Service = {
  name: 'AppSync Events',
  monthly: 0,
  usage: (work) =>
    usdOf('appSyncOperations', messagesOf(work) + presenceMessages(work) + work.connects * 2) +
    usdOf('appSyncMinutes', work.connectionMinutes) +
    callsByHttp(work) +
    answersUsd(work),
}

const iot: Service = {
  name: 'IoT Core',
  monthly: 0,
  usage: (work) =>
    usdOf('iotMessages', messagesOf(work) + presenceMessages(work) + work.connects * 2) +
    usdOf('iotMinutes', work.connectionMinutes) +
    callsByHttp(work) +
    answersUsd(work),
}

const ably: Service = {
  name: 'Ably',
  monthly: usdOf('ablyStandard', 1),
  usage: (work) =>
    usdOf('ablyMessages', messagesOf(work) + presenceMessages(work)) +
    usdOf('ablyMinutes', work.connectionMinutes) +
    usdOf('ablyChannelMinutes', work.connectionMinutes / Math.max(1, work.audience)) +
    callsByHttp(work) +
    answersUsd(work),
  total(work) {
    if (work.peakSockets > 50_000) return beyondPlans
    const usage = this.usage(work) as number
    return usdOf(work.peakSockets > 10_000 ? 'ablyPro' : 'ablyStandard', 1) + usage
  },
}

/** The cheapest plan that takes a workload which is spread evenly over the month. */
function pusherPlan(work: Workload): Quote {
  const perDay = (messagesOf(work) + presenceMessages(work)) / daysInMonth
  const sockets = Math.max(work.peakSockets, work.audience)
  return (
    pusherPlans.find(({ connections, messagesPerDay }) => sockets <= connections && perDay <= messagesPerDay)?.usd ??
    beyondPlans
  )
}

const pusher: Service = {
  name: 'Pusher',
  monthly: pusherPlans[0]?.usd ?? beyondPlans,
  usage(work) {
    const plan = pusherPlan(work)
    return typeof plan === 'string' ? plan : plan + callsByHttp(work) + answersUsd(work)
  },
  total: (work) => pusher.usage(work),
}

const durableObjects: Service = {
  name: 'Durable Objects',
  monthly: usdOf('workersPlan', 1),
  usage(work) {
    const { objectMs, objectGb, objectMessagesPerRequest, deliveryMs, answerBatches, answerSeconds } = assumptions
    const incoming = work.calls + work.events + (work.presence ? work.connects * 2 : 0)
    const awakeMs =
      incoming * objectMs +
      work.events * work.audience * deliveryMs +
      work.answers * (answerSeconds * 1_000 + answerBatches * deliveryMs)
    return (
      usdOf('objectRequests', incoming / objectMessagesPerRequest + work.connects + work.answers) +
      usdOf('objectGbSeconds', (awakeMs / 1_000) * objectGb)
    )
  },
}

const taskUsd = (hours: number) =>
  hours * (assumptions.taskCpus * usdOf('fargateCpu', 1) + assumptions.taskGb * usdOf('fargateGb', 1))

const activeConnectionsPerUnit = 3_000
const bytesPerUnit = 1_000_000_000 // a GB in an hour

/** The load balancer's units for one hour of the busiest of its measures, over the month. */
function balancerUnitHours(work: Workload): number {
  const messages = work.calls * 2 + work.events * (1 + work.audience) + work.answers * assumptions.answerBatches
  const byBytes = (messages * assumptions.messageBytes) / bytesPerUnit
  return Math.max(byBytes, work.connectionMinutes / 60 / activeConnectionsPerUnit)
}

/** CPU seconds of the server's tasks. */
function serverSeconds(work: Workload): number {
  const { deliveryMs, answerBatches } = assumptions
  const sends = work.calls + work.events * (1 + work.audience) + work.answers * answerBatches
  return (sends * deliveryMs) / 1_000
}

const fargate: Service = {
  name: 'Fargate, Socket.IO',
  monthly: taskUsd(assumptions.leastTasks * hoursInMonth) + usdOf('balancerHours', hoursInMonth),
  usage: (work) =>
    usdOf('balancerUnits', balancerUnitHours(work)) + taskUsd(serverSeconds(work) / 3_600 / assumptions.taskCpus),
  total(work) {
    const { leastTasks, taskSockets, taskCpus } = assumptions
    const bySockets = Math.ceil(work.peakSockets / taskSockets)
    const byCpu = Math.ceil(serverSeconds(work) / secondsInMonth / taskCpus / busyShare)
    const tasks = Math.max(leastTasks, bySockets, byCpu)
    const units = usdOf('balancerUnits', balancerUnitHours(work))
    return taskUsd(tasks * hoursInMonth) + usdOf('balancerHours', hoursInMonth) + units
  },
}
const busyShare = 0.25 // of its CPU that a task uses on average, since traffic has peaks

const sse: Service = {
  name: 'SSE, Lambda',
  monthly: 0,
  usage(work) {
    const { listenerGb, listenerPollSeconds, otherCallMs } = assumptions
    const seconds = work.connectionMinutes * 60
    const published = usdOf('writeUnits', work.events) + usdOf('readUnits', work.events)
    return (
      functionUsd(work.calls + work.events, otherCallMs) +
      published +
      usdOf('gbSeconds', seconds * listenerGb) +
      usdOf('readUnits', seconds / listenerPollSeconds) +
      usdOf('requests', work.connects) +
      answersUsd(work)
    )
  },
}

/** The services, a line first. */
export const services: readonly Service[] = [line, appSync, iot, ably, pusher, durableObjects, fargate, sse]

/** The dollars of a whole application on a service. */
export function totalOf(service: Service, work: Workload): Quote {
  if (service.total !== undefined) return service.total(work)
  const usage = service.usage(work)
  return typeof usage === 'string' || typeof service.monthly === 'string' ? usage : service.monthly + usage
}
