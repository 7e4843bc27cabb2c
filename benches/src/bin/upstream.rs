//! The upstream of all measurements, in a process of its own: prints where it listens.
#![expect(clippy::print_stdout, reason = "a program says where it listens")]

use sagewire_benches::upstream;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // A connection that breaks is its client's affair.
        tokio::spawn(upstream::serve(stream));
    }
}
