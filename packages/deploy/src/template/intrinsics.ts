/** A CloudFormation value: JSON with intrinsic functions. */
export type Value = unknown

/** The value of a parameter, or the physical id of a resource. */
export function ref(name: string): Value {
  return { Ref: name }
}

/** An attribute of a resource. */
export function attribute(resource: string, name: string): Value {
  return { 'Fn::GetAtt': [resource, name] }
}

/** A text with `${…}` of parameters, pseudo parameters and attributes. */
export function sub(text: string): Value {
  return { 'Fn::Sub': text }
}

/** The values as one text, with `separator` between them. */
export function join(separator: string, values: readonly Value[]): Value {
  return { 'Fn::Join': [separator, values] }
}

/** `value` where the condition holds; otherwise the property is absent, or `otherwise`. */
export function when(condition: string, value: Value, otherwise: Value = ref('AWS::NoValue')): Value {
  return { 'Fn::If': [condition, value, otherwise] }
}

/** The condition that a parameter is not empty. */
export function isGiven(parameter: string): Value {
  return { 'Fn::Not': [{ 'Fn::Equals': [ref(parameter), ''] }] }
}
