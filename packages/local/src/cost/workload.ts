/** What an application does in a month of 30 days. */
export interface Workload {
  /** Queries and mutations that publish nothing. */
  readonly calls: number
  readonly events: number
  /** The connected subscribers of each event. */
  readonly audience: number
  readonly connectionMinutes: number
  /** Sockets opened, with one subscription each. */
  readonly connects: number
  /** The most sockets at a time. */
  readonly peakSockets: number
  /** Whether each socket joins a presence topic of `audience` members. */
  readonly presence: boolean
  /** Answers of an AI model, streamed to one reader. */
  readonly answers: number
  /** Requests of clients over HTTP that poll one subscription. */
  readonly polls: number
}

export const daysInMonth = 30
export const minutesInMonth = daysInMonth * 24 * 60
export const secondsInMonth = minutesInMonth * 60
export const hoursInMonth = daysInMonth * 24

/** A month in which nothing happens. */
export const idle: Workload = {
  ...{ calls: 0, events: 0, audience: 1, connectionMinutes: 0, connects: 0, peakSockets: 0, presence: false },
  ...{ answers: 0, polls: 0 },
}

/** What the prices assume. Each is shown with the tables. */
export const assumptions = {
  /** The memory of a line's functions and of a function that produces an answer. */
  functionGb: 0.5,
  /** CPU of one function run, apart from its waits, in milliseconds. */
  runMs: 2,
  /** CPU of one post, in milliseconds. */
  postMs: 0.25,
  /** Batches of an answer of 500 tokens, and the seconds for which its model takes. */
  answerBatches: 50,
  answerSeconds: 20,
  /** Between two syncs of a client, and between two sockets of it. */
  keepaliveMinutes: 4.5,
  handoverMinutes: 107.5,
  /** A message or a delivered event on the wire. */
  messageBytes: 500,
  /** Awake time of a Durable Object for one message, of Cloudflare's own pricing example. */
  objectMs: 10,
  objectGb: 0.125,
  /** Incoming WebSocket messages that Cloudflare bills as one request. */
  objectMessagesPerRequest: 20,
  /** CPU of a delivery to one Socket.IO client, of `npm run bench -- --only latency`, in milliseconds. */
  deliveryMs: 0.024,
  /** A Fargate task: its size, and the sockets that it holds. There are two at least. */
  taskCpus: 1,
  taskGb: 2,
  taskSockets: 10_000,
  leastTasks: 2,
  /** A function of the other services that takes one call or produces an event. */
  otherCallMs: 10,
  /** The memory of a function that holds one listener, and how often it polls the log. */
  listenerGb: 0.125,
  listenerPollSeconds: 2,
} as const
