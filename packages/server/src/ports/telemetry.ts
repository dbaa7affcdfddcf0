/** Every metric of a line and its unit. The name is the one that dashboards and alarms use. */
export const metrics = {
  /** Connections that were opened. */
  connects: 'Count',
  disconnects: 'Count',
  /**
   * Handshakes that were turned away, by the authorizer or by `$connect` itself: a foreign origin, or a denied caller.
   */
  refused: 'Count',
  /** Frames of clients; each element of a batch is one. */
  frames: 'Count',
  /**
   * Frames answered with an error though no query or mutation ran, by outcome; a message that cannot be read is one.
   */
  refusedFrames: 'Count',
  /** Runs of a query or mutation, by path and outcome. */
  calls: 'Count',
  /** How long such a run took, by path and outcome. */
  callMs: 'Milliseconds',
  /** Runs that ended in INTERNAL_SERVER_ERROR or TIMEOUT, of all paths. */
  failedCalls: 'Count',
  publishes: 'Count',
  /** Frames of events that the gateway took for a subscriber. */
  deliveries: 'Count',
  /** From the event's slot to the gateway's answer, for each delivery of a log. */
  timeToDeliver: 'Milliseconds',
  /** Messages that the gateway took: answers, deliveries, notices. */
  posts: 'Count',
  /** Posts to connections that were closed. */
  gone: 'Count',
  /** Posts that were answered 429. */
  throttled: 'Count',
  /** Posts that were refused or broken. */
  failedPosts: 'Count',
  /** Posts made again. */
  retried: 'Count',
  /** Subscribers of slow connections whose events were left to their client's own fetch. */
  left: 'Count',
  /** Subscribers whose post failed and was handed to `deliver`. */
  handedOn: 'Count',
  /** Subscribers whom `deliver` was told to try again. */
  redriven: 'Count',
  /**
   * Events of an inline delivery, and runs of the stream's, that one function could not deliver whole: another one
   * tries again.
   */
  failedDeliveries: 'Count',
  /** Members who came to be here with their first session. */
  joins: 'Count',
  /** Members whose last session ended: by their own will, or since nobody came back. */
  leaves: 'Count',
} as const satisfies Readonly<Record<string, 'Count' | 'Milliseconds'>>

export type Metric = keyof typeof metrics

/**
 * A run of a procedure: a path that the router has (`unknown` for every other), and `ok` or the tRPC code that it ended
 * in.
 */
export interface CallLabel {
  readonly path: string
  readonly outcome: string
}

/** How a frame was refused: the line's code, else tRPC's. */
export interface OutcomeLabel {
  readonly outcome: string
}

/** The dimensions of a metric beside the service. */
export type MetricLabel = CallLabel | OutcomeLabel

/** One line of log. */
export interface LogEntry {
  readonly level: 'ERROR' | 'WARN'
  readonly message: string
  /** JSON values by name; undefined ones are left out. */
  readonly facts: Readonly<Record<string, unknown>>
}

/** One run of a function. */
export interface InvocationFacts {
  readonly functionName: string
  /** The platform's name of the run. */
  readonly requestId: string | undefined
}

/** What one invocation tells. */
export interface Recorder {
  /**
   * Adds a count, or one more duration. A path and an outcome with `calls` and `callMs`, an outcome with
   * `refusedFrames`, and nothing with any other.
   */
  measure(metric: Metric, value: number, label?: MetricLabel): void
  log(entry: LogEntry): void
}

/** A recorder whose invocation ends: what was measured goes out. */
export interface Recording extends Recorder {
  end(): void
}

/**
 * The way to whoever watches a line.
 * - No method may throw or wait: what cannot be told is left out.
 * - Invocations run side by side: what one measures MUST NOT be told as another's.
 * - Labels MUST stay few: paths come from the router and outcomes from closed tables of codes, and nothing that a
 *   client chooses becomes a label.
 * - What is measured after `end` is lost.
 */
export interface Telemetry {
  readonly kind: string
  begin(invocation: InvocationFacts): Recording
}
