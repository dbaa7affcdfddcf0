/** Tickets that work once and for seconds, for `authorize`. Loads jose. */
export { type DynamoTicketOptions, dynamoTicketStore } from './dynamo-ticket-store.ts'
export type { TicketKey } from './ticket.ts'
export { memoryTicketStore, type TicketStore } from './ticket-store.ts'
export {
  createTicketIssuer,
  type TicketAuthorizer,
  type TicketAuthorizerOptions,
  type TicketIssuer,
  type TicketIssuerOptions,
  TicketUncheckedError,
  ticketAuthorizer,
} from './tickets.ts'
