/**
 * The integration of a route key: a function, or a fixed text (a MOCK integration). Only a `twoWay` route sends the
 * function's result to the client.
 */
export type Route =
  | { readonly key: string; readonly functionName: string; readonly twoWay?: boolean }
  | { readonly key: string; readonly mock: string; readonly twoWay: true }

/** Selects the route of a message. Undefined when no route matches and there is no `$default`. */
export type RouteSelector = (text: string) => Route | undefined

/**
 * Creates a selector from a route selection expression: `$request.body.method`, deeper paths, or a template such as
 * `${request.body.a}/${request.body.b}`. `reserved` decides how a message is routed that names a reserved key, as
 * `{"method":"$connect"}` does. Such a message never reaches the reserved route.
 */
export function createRouteSelector(
  routes: readonly Route[],
  expression: string,
  reserved: 'default' | 'forbidden',
): RouteSelector {
  const byKey = new Map(routes.map((route) => [route.key, route]))
  const select = parseExpression(expression)
  return (text) => {
    const key = select(text)
    if (key === undefined) return byKey.get('$default')
    if (key.startsWith('$')) return reserved === 'default' ? byKey.get('$default') : undefined
    return byKey.get(key) ?? byKey.get('$default')
  }
}

function parseExpression(expression: string): (text: string) => string | undefined {
  const template = expression.startsWith('$request.') ? `\${${expression.slice(1)}}` : expression
  const parts = [...template.matchAll(/\$\{request\.body\.([^}]+)\}|([^$]+|\$)/g)].map(([, path, literal]) =>
    path === undefined ? { literal: literal ?? '' } : { path: path.split('.') },
  )
  return (text) => {
    const body = parseJson(text)
    const values = parts.map((part) => ('path' in part ? lookUp(body, part.path) : part.literal))
    return values.includes(undefined) ? undefined : values.join('')
  }
}

function lookUp(body: unknown, path: readonly string[]): string | undefined {
  let value = body
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = Reflect.get(value, name)
  }
  if (value === undefined || value === null) return undefined
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not JSON: no key, so `$default` applies
  }
}
