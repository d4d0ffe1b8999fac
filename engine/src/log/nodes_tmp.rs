use super::entry::Entry;
use super::read_error::ReadError;
use super::reader::Reader;
use crate::proof::*;
use crate::query::Order;
use crate::types::*;
impl Reader {
    pub(crate) fn node(&self, id: NodeId) -> Result<NodeHash, ReadError> {
        let mut r = CompactRange::new(0);
        let l = id.leaves().unwrap();
        for e in self.scan(l, Order::Ascending) {
            if let Entry::Record(x) = e? {
                let _ = r.push(leaf_hash(&x.hash));
            }
        }
        Ok(r.root().unwrap())
    }
    pub(crate) fn root_at(&self, size: TreeSize) -> Result<NodeHash, ReadError> {
        let mut r = CompactRange::new(0);
        for e in self.scan(0..size.0, Order::Ascending) {
            if let Entry::Record(x) = e? {
                let _ = r.push(leaf_hash(&x.hash));
            }
        }
        Ok(r.root().unwrap())
    }
}
