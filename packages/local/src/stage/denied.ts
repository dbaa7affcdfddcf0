const deniedNames = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AuthorizationErrorException',
  'ForbiddenException',
  'UnauthorizedException',
  'UnauthorizedOperation',
])

/** Whether AWS refused a request to the credentials, also where the store's error has AWS's as its cause. */
export function isDenied(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false
  return deniedNames.has(thrown.name) || isDenied(thrown.cause)
}
