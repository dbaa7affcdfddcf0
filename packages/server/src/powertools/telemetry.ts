import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { type Metric, type MetricLabel, metrics, type Recording, type Telemetry } from '../ports/telemetry.ts'

export interface PowertoolsOptions {
  /** The namespace of the metrics. @default POWERTOOLS_METRICS_NAMESPACE, else 'Trunkline' */
  readonly namespace?: string
  /** The dimension `service` of every metric and the member `service` of every log line. @default POWERTOOLS_SERVICE_NAME, else 'trunkline' */
  readonly service?: string
}

/** Values of one metric, each count added up and each duration kept. */
type Values = Map<Metric, number[]>

const units = { Count: MetricUnit.Count, Milliseconds: MetricUnit.Milliseconds } as const

/**
 * Structured logs and EMF metrics by Powertools for AWS Lambda: metrics are lines of log too, so that no request is made
 * for them. Costs its import at a cold start, see benchmarks/cold-start.
 */
export function powertoolsTelemetry(options: PowertoolsOptions = {}): Telemetry {
  const namespace = options.namespace ?? process.env['POWERTOOLS_METRICS_NAMESPACE'] ?? 'Trunkline'
  const service = options.service ?? process.env['POWERTOOLS_SERVICE_NAME'] ?? 'trunkline'
  const logger = new Logger({ serviceName: service })
  return {
    kind: 'powertools',
    begin: ({ functionName, requestId }) => {
      const gathered = new Map<string, { readonly label: MetricLabel | undefined; readonly values: Values }>()
      const recording: Recording = {
        measure: (metric, value, label) => {
          const name = JSON.stringify(label) ?? ''
          const group = gathered.get(name) ?? { label, values: new Map() }
          gathered.set(name, group)
          addTo(group.values, metric, value)
        },
        log: ({ level, message, facts }) => {
          const told = { function_name: functionName, function_request_id: requestId, ...facts }
          quietly(() => (level === 'ERROR' ? logger.error(message, told) : logger.warn(message, told)))
        },
        end: () => {
          for (const { label, values } of gathered.values())
            quietly(() => publish({ namespace, service }, label, values))
          gathered.clear()
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

/** One EMF line for each set of dimensions; Powertools begins another where a metric has a hundred values. */
function publish(
  { namespace, service }: { readonly namespace: string; readonly service: string },
  label: MetricLabel | undefined,
  values: Values,
): void {
  const told = new Metrics({ namespace, serviceName: service })
  if (label !== undefined) told.addDimensions({ ...label })
  for (const [metric, all] of values) for (const value of all) told.addMetric(metric, units[metrics[metric]], value)
  told.publishStoredMetrics()
}

/** What cannot be told must not fail what it tells of. */
function quietly(tell: () => void): void {
  try {
    tell()
  } catch {
    // neither logs nor metrics: there is nobody left to tell
  }
}
