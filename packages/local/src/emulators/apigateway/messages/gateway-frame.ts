/**
 * [TL-GW-1] The frame that the gateway sends when it has no function result (the connection stays open), byte for byte:
 * one space after the first colon and after the commas, none elsewhere.
 */
export function formatGatewayFrame(message: string, connectionId: string, requestId: string): string {
  return `{"message": ${JSON.stringify(message)}, "connectionId":"${connectionId}", "requestId":"${requestId}"}`
}
