import { connect, createServer, type Server, type Socket } from 'node:net'

/** Stands between the server and what it needs: it can stop passing anything on, refuse everybody, and be well again. */
export async function proxyTo(target: URL) {
  const sockets: Socket[] = []
  const open = () =>
    createServer((inner) => {
      const outer = connect(Number(target.port), target.hostname)
      for (const socket of [inner, outer]) {
        sockets.push(socket)
        socket.on('error', () => undefined)
      }
      inner.pipe(outer)
      outer.pipe(inner)
      inner.on('close', () => outer.destroy())
      outer.on('close', () => inner.destroy())
    })
  const listen = (server: Server, port: number) =>
    new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening))
  let server = open()
  await listen(server, 0)
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const url = new URL(target)
  url.port = String(port)
  const close = () => {
    server.close()
    for (const socket of sockets.splice(0)) socket.destroy()
  }
  return {
    url: url.toString(),
    pause: () => sockets.forEach((socket) => void socket.pause()),
    resume: () => sockets.forEach((socket) => void socket.resume()),
    close,
    async openAgain() {
      server = open()
      await listen(server, port)
    },
  }
}
