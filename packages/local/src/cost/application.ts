import { services, totalOf } from './services.ts'
import type { QuoteRow } from './tables.ts'
import { assumptions, daysInMonth, type Workload } from './workload.ts'

/** What each user of an application does. */
export interface ApplicationOptions {
  /** Registered users, each of whom comes every day. */
  readonly users: number
  /** Hours a day that a user is connected. @default 2 */
  readonly hours: number
  /** Messages a day that a user publishes. @default 10 */
  readonly messages: number
  /** The connected subscribers of a room, who get each message. @default 10 */
  readonly room: number
  /** Calls a day that publish nothing. @default 30 */
  readonly calls: number
  /** Answers of an AI model a day. @default 1 */
  readonly answers: number
}

/** The example application: a chat with presence and an assistant. */
export const applicationDefaults: Omit<ApplicationOptions, 'users'> = {
  ...{ hours: 2, messages: 10, room: 10, calls: 30, answers: 1 },
}

const sessionsPerDay = 4
const peak = 3 // times as many sockets as on average

/** The workload of a month. */
export function applicationWork({ users, hours, messages, room, calls, answers }: ApplicationOptions): Workload {
  const days = users * daysInMonth
  return {
    ...{ calls: days * calls, events: days * messages, audience: room, answers: days * answers, polls: 0 },
    ...{ connectionMinutes: days * hours * 60, connects: days * sessionsPerDay, presence: true },
    peakSockets: Math.min(users, Math.ceil((users * hours * peak) / 24)),
  }
}

/** The dollars a month on each service. */
export function applicationRow(options: ApplicationOptions): QuoteRow {
  const work = applicationWork(options)
  return {
    name: `${options.users.toLocaleString('en-US')} users`,
    quotes: Object.fromEntries(services.map((service) => [service.name, totalOf(service, work)])),
  }
}

/** The application in words. */
export function applicationText({ hours, messages, room, calls, answers }: Omit<ApplicationOptions, 'users'>): string {
  const { answerBatches, answerSeconds } = assumptions
  const sizes = `${answerBatches} batches in ${answerSeconds} s`
  return [
    `Each user is connected for ${hours} hours a day in ${sessionsPerDay} sessions, and present in one room. What a user does a`,
    `day: ${calls} calls; ${messages} messages, which ${room} connected subscribers get; AI answers of ${sizes}: ${answers}.`,
    `At the peak, ${peak} times as many sockets are open as on average.`,
  ].join('\n')
}
