/** The metrics of a line, each with its unit. Dashboards and alarms use these names. */
export const metrics = {
  /** Connections that were opened. */
  connects: 'Count',
  /** Connections that were closed. */
  disconnects: 'Count',
  /** Handshakes that the authorizer or `$connect` refused: for their origin, or their caller. */
  refused: 'Count',
  /** Frames of clients. Each element of a batch counts. */
  frames: 'Count',
  /** Frames that got an error before a query or mutation ran, by outcome. A message that cannot be read counts. */
  refusedFrames: 'Count',
  /** Runs of a query or mutation, by path and outcome. */
  calls: 'Count',
  /** The duration of each such run, by path and outcome. */
  callMs: 'Milliseconds',
  /** Runs that ended in INTERNAL_SERVER_ERROR or TIMEOUT, of all paths. */
  failedCalls: 'Count',
  /** Events that were published. */
  publishes: 'Count',
  /** Frames with events that the gateway accepted for a subscriber. */
  deliveries: 'Count',
  /** From the time of an event in its log to the gateway's response, for each delivery. */
  timeToDeliver: 'Milliseconds',
  /** Messages that the gateway accepted: responses, deliveries and notices. */
  posts: 'Count',
  /** Posts to connections that were closed. */
  gone: 'Count',
  /** Posts that got status 429. */
  throttled: 'Count',
  /** Posts that failed for another reason. */
  failedPosts: 'Count',
  /** Posts that were repeated. */
  retried: 'Count',
  /** Subscribers of slow connections that were not posted to, whose client fetches the events. */
  left: 'Count',
  /** Subscribers whose post failed and was passed to `deliver` for a retry. */
  scheduledRetries: 'Count',
  /** Subscribers that `deliver` retried. */
  redriven: 'Count',
  /**
   * Events of an inline delivery, and runs of the stream's, that a function delivered only in part: another one
   * retries.
   */
  failedDeliveries: 'Count',
  /** Members that joined with their first session. */
  joins: 'Count',
  /** Members whose last session ended, by a leave or by its lease. */
  leaves: 'Count',
} as const satisfies Readonly<Record<string, 'Count' | 'Milliseconds'>>

/** The name of a metric. */
export type Metric = keyof typeof metrics

/** A run of a procedure: a path of the router (`unknown` for every other), and `ok` or the tRPC code of its error. */
export interface CallLabel {
  readonly path: string
  readonly outcome: string
}

/** How a frame was refused: Trunkline's error code, or else tRPC's. */
export interface OutcomeLabel {
  readonly outcome: string
}

/** The dimensions of a metric, in addition to the service. */
export type MetricLabel = CallLabel | OutcomeLabel

/** A log line. */
export interface LogEntry {
  readonly level: 'ERROR' | 'WARN'
  readonly message: string
  /** JSON values by name. Undefined ones are left out. */
  readonly facts: Readonly<Record<string, unknown>>
}

/** What an audit event is about: see `AuditEvent`. */
export type AuditAction = 'connect' | 'deny' | 'kick' | 'revoke' | 'claims' | 'erase'

/**
 * A change of what somebody may do, or of what the line holds about somebody. No member has a token or a secret session
 * id.
 * - `connect`: a connection was opened
 * - `deny`: a handshake or a token was refused
 * - `kick`: connections were ended, and their principal may be banned
 * - `revoke`: the tokens of a principal that were issued before a time are refused
 * - `claims`: an `auth` changed the claims of a connection
 * - `erase`: stored data was erased
 */
export interface AuditEvent {
  readonly action: AuditAction
  /** Null for an anonymous caller. Absent where the event is about none, or about one that is not known. */
  readonly principal?: string | null
  readonly connectionId?: string
  /** The session's public id. */
  readonly sessionId?: string
  /** A sentence for people: why it happened. */
  readonly reason?: string
  /** More about the event: JSON values by name. */
  readonly facts?: Readonly<Record<string, unknown>>
}

/** An invocation of a function. */
export interface InvocationFacts {
  readonly functionName: string
  /** The platform's id of the invocation. */
  readonly requestId: string | undefined
}

/** Records the metrics and log lines of one invocation. */
export interface Recorder {
  /**
   * Adds a count, or one duration. The label has a path and an outcome for `calls` and `callMs`, and an outcome for
   * `refusedFrames`. Other metrics have no label.
   */
  measure(metric: Metric, value: number, label?: MetricLabel): void
  /** Writes a log line. */
  log(entry: LogEntry): void
  /** Records an audit event. Absent: audit events are dropped. */
  audit?(event: AuditEvent): void
}

/** A recorder of an invocation that can end. */
export interface Recording extends Recorder {
  /** Sends what was measured. */
  end(): void
}

/**
 * The port of metrics, log lines and audit events.
 *
 * - A method MUST NOT throw or wait. What cannot be sent is dropped.
 * - Invocations run concurrently: a measurement MUST be attributed to its own invocation.
 * - The number of labels is bounded: paths are those of the router, and outcomes those of closed tables. No value that
 *   a client chooses becomes a label.
 * - A measurement after `end` is dropped.
 */
export interface Telemetry {
  /** Names the implementation in logs. */
  readonly kind: string
  /** Starts recording an invocation. */
  begin(invocation: InvocationFacts): Recording
}
