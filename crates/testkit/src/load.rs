//! Requests that keep coming until the test has seen enough.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use reqwest::blocking::{Client, RequestBuilder};

use crate::Server;

/// Clients that send the same request one after the other. They end when this is dropped.
#[derive(Debug)]
pub struct Load {
    is_over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<()>>,
}

impl Server {
    /// `request` makes the request for a client and the server's address.
    #[must_use]
    pub fn load(
        &self,
        clients: usize,
        request: impl Fn(&Client, &str) -> RequestBuilder + Send + Sync + 'static,
    ) -> Load {
        let (is_over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let request = Arc::new(request);
        let one = || {
            let (is_over, answered) = (Arc::clone(&is_over), Arc::clone(&answered));
            let (request, client, base) = (Arc::clone(&request), self.http.clone(), self.base.clone());
            std::thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    if request(&client, &base).send().is_ok() {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        };
        let clients = (0..clients).map(|_| one()).collect();
        Load { is_over, answered, clients }
    }
}

impl Load {
    /// How many requests got an answer so far.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.clients.drain(..).for_each(|client| drop(client.join()));
    }
}
