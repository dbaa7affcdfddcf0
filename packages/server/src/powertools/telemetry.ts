import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { type Metric, type MetricLabel, metrics, type Recording, type Telemetry } from '../ports/telemetry.ts'

/** The names under which logs and metrics appear. */
export interface PowertoolsOptions {
  /** The namespace of the metrics. @default POWERTOOLS_METRICS_NAMESPACE, else 'Trunkline' */
  readonly namespace?: string
  /**
   * The dimension `service` of every metric and the member `service` of every log line. @default
   * POWERTOOLS_SERVICE_NAME, else 'trunkline'
   */
  readonly service?: string
}

/** The values of each metric: the sum of a count, and each duration. */
type Values = Map<Metric, number[]>

const units = { Count: MetricUnit.Count, Milliseconds: MetricUnit.Milliseconds } as const

/**
 * Structured logs and EMF metrics by Powertools for AWS Lambda. EMF metrics are log lines, so they cost no request.
 * Importing Powertools adds to a cold start: see benchmarks/cold-start.
 */
export function powertoolsTelemetry(options: PowertoolsOptions = {}): Telemetry {
  const namespace = options.namespace ?? process.env['POWERTOOLS_METRICS_NAMESPACE'] ?? 'Trunkline'
  const service = options.service ?? process.env['POWERTOOLS_SERVICE_NAME'] ?? 'trunkline'
  const logger = new Logger({ serviceName: service })
  return {
    kind: 'powertools',
    begin: ({ functionName, requestId }) => {
      const groups = new Map<string, { readonly label: MetricLabel | undefined; readonly values: Values }>()
      const recording: Recording = {
        measure: (metric, value, label) => {
          const name = JSON.stringify(label) ?? ''
          const group = groups.get(name) ?? { label, values: new Map() }
          groups.set(name, group)
          addTo(group.values, metric, value)
        },
        log: ({ level, message, facts }) => {
          const members = { function_name: functionName, function_request_id: requestId, ...facts }
          quietly(() => (level === 'ERROR' ? logger.error(message, members) : logger.warn(message, members)))
        },
        audit: ({ facts, ...event }) => {
          const members = { function_name: functionName, function_request_id: requestId, ...event, ...facts }
          quietly(() => logger.info('audit', members))
        },
        end: () => {
          for (const { label, values } of groups.values()) quietly(() => publish({ namespace, service }, label, values))
          groups.clear()
        },
      }
      return recording
    },
  }
}

function addTo(values: Values, metric: Metric, value: number): void {
  const held = values.get(metric)
  if (held === undefined) values.set(metric, [value])
  else if (metrics[metric] === 'Count') held[0] = (held[0] ?? 0) + value
  else held.push(value)
}

/** Writes one EMF line for each set of dimensions. Powertools begins another one after a hundred values of a metric. */
function publish(
  { namespace, service }: { readonly namespace: string; readonly service: string },
  label: MetricLabel | undefined,
  values: Values,
): void {
  const recorded = new Metrics({ namespace, serviceName: service })
  if (label !== undefined) recorded.addDimensions({ ...label })
  for (const [metric, all] of values) for (const value of all) recorded.addMetric(metric, units[metrics[metric]], value)
  recorded.publishStoredMetrics()
}

/** Calls `record`. A failure of telemetry must not fail the invocation. */
function quietly(record: () => void): void {
  try {
    record()
  } catch {
    // logs and metrics failed, so there is no place to report it
  }
}
