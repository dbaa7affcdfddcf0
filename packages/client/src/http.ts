export type { Fallback, FallbackEndpoint, FallbackOptions, FallbackSession } from './connection/fallback.ts'
export { type HttpOptions, overHttp } from './http/over-http.ts'
