/** The whole body of an answer; one of more bytes is refused as soon as that is known. */
export async function readBody(
  body: AsyncIterable<Buffer>,
  maximumBytes: number,
  tooLarge: () => Error,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maximumBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
