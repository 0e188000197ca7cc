//! composition root, routers, authentication, embedded page, graceful shutdown.
