import { createServer } from 'node:http'

/** A model server that answers Open Inference requests at once, always alike: what is measured is the way to it. */
const answer = JSON.stringify({
  model_name: 'gate',
  outputs: [{ name: 'output', shape: [1, 1], datatype: 'FP64', data: [0.5] }],
})
const server = createServer((request, reply) => {
  request.resume()
  request.once('end', () => {
    reply.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) })
    reply.end(answer)
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}\n`)
})
process.stdin.resume()
process.stdin.once('end', () => process.exit(0))
