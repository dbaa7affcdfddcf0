import { attribute, ref, type Value } from '../template/intrinsics.ts'
import { type Duty, functionName, functionsOf, lineName, nameFor } from '../template/names.ts'
import type { Settings } from '../template/options.ts'

/** A CloudWatch metric of the stack. */
export interface Metric {
  readonly namespace: string
  readonly name: string
  readonly dimensions: Readonly<Record<string, Value>>
}

/** A metric of the function that has a duty. */
export function ofFunction(settings: Settings, duty: Duty, metric: string): Metric {
  return ofDeployed(nameFor(settings, duty), metric)
}

/** The same metric of all functions. */
export function ofAllFunctions(settings: Settings, metric: string): readonly Metric[] {
  return functionsOf(settings).map(({ name }) => ofDeployed(functionName(settings, name), metric))
}

function ofDeployed(FunctionName: string, name: string): Metric {
  return { namespace: 'AWS/Lambda', name, dimensions: { FunctionName } }
}

/** A metric of the WebSocket API's stage. */
export function ofGateway({ stage }: Settings, name: string): Metric {
  return { namespace: 'AWS/ApiGateway', name, dimensions: { ApiId: ref('WebsocketsApi'), Stage: stage } }
}

/** A metric of the table. */
export function ofTable(name: string, operation?: string): Metric {
  const table = { TableName: ref('Table') }
  const dimensions = operation === undefined ? table : { ...table, Operation: operation }
  return { namespace: 'AWS/DynamoDB', name, dimensions }
}

/** A metric of a queue, by its logical id. */
export function ofQueue(id: string, name: string): Metric {
  return { namespace: 'AWS/SQS', name, dimensions: { QueueName: attribute(id, 'QueueName') } }
}

/** A metric that Trunkline's telemetry writes. */
export function ofLine(settings: Settings, name: string): Metric {
  return { namespace: 'Trunkline', name, dimensions: { service: lineName(settings) } }
}
