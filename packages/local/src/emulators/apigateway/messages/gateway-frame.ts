/** [TL-GW-1] The gateway's own frame, for when no answer of a function reached it (the connection stays open), byte for byte: one space after the first colon and after the commas, none elsewhere. */
export function formatGatewayFrame(message: string, connectionId: string, requestId: string): string {
  return `{"message": ${JSON.stringify(message)}, "connectionId":"${connectionId}", "requestId":"${requestId}"}`
}
